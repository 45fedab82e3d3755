import { deliveryHeaders, workflowJob } from "../support/harness/deliveries";
import { WEBHOOK_SECRET, acceptingGithub } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";
import { forgetAll, answerOf, linesSoFar, postSigned, states, tokens, useHarness } from "../support/webhook";

const REPOSITORY = "octo-org/public-site";
const RUN = `GET /repos/${REPOSITORY}/actions/runs/501`;

/** A run as GitHub describes it. */
const headed = (head: unknown): Reply => ({ status: 200, body: { id: 501, head_repository: head } });
const OWN = headed({ full_name: REPOSITORY });
const FORK = headed({ full_name: "mallory/public-site", fork: true });

/** What leaves open where the code comes from. */
const UNKNOWN: readonly (readonly [string, Reply])[] = [
  ["names no head repository, since the fork was deleted", headed(null)],
  ["names a head repository without a name", headed({})],
  ["names a head repository that is none", headed({ full_name: "../../x" })],
  ["says nothing of a head repository", { status: 200, body: { id: 501 } }],
  ["says something that is no JSON", { status: 200, body: "<html></html>" }],
  ["knows no such run", { status: 404, body: { message: "Not Found" } }],
  ["fails", { status: 500, body: { message: "Server Error" } }],
  ["sends us elsewhere", { status: 302, headers: { Location: "https://elsewhere.example.test/" } }],
  ["closes the connection", "drop"],
];

describe.each(RUNTIMES)("a listed public repository whose forks are refused (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => {
    await forgetAll(harness());
    runIs(OWN);
  });

  /** Sets what GitHub says of run 501; the rest is a GitHub that registers everybody. */
  const runIs = (reply: Reply | Promise<Reply>): void => {
    const rest = acceptingGithub();
    harness().github.reply = (request) =>
      request.path.endsWith("/actions/runs/501") ? reply : rest(request);
  };
  const body = (id = 1) => workflowJob({ id, repository: REPOSITORY, private: false });
  const asked = () => harness().github.seen.map((one) => `${one.method} ${one.path}`);

  test("the run is looked up after the 202 and before the dispatch", async () => {
    let say = (_: Reply): void => undefined;
    runIs(new Promise<Reply>((resolve) => (say = resolve)));
    const text = JSON.stringify(body());
    const response = await harness().post(text, deliveryHeaders(WEBHOOK_SECRET, text));
    expect(await answerOf(response)).toEqual({
      status: 202,
      body: { outcome: "accepted", job_id: 1, state: "checking", duplicate: false },
    });
    expect(harness().nomad.seen).toEqual([]);
    say(OWN);
    await harness().runtime.idle();
    expect(asked()).toEqual([RUN]);
    expect(tokens(harness())).toEqual(["1:1"]);
    expect(await states(harness())).toEqual({ "1": "waiting" });
  });

  test("the repository itself is no fork, however it is spelt", async () => {
    runIs(headed({ full_name: "Octo-Org/Public-Site" }));
    await postSigned(harness(), body());
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test("a fork gets no runner: not at once, not by a sweep, not by another delivery", async () => {
    runIs(FORK);
    expect((await postSigned(harness(), body())).status).toBe(202);
    expect(await states(harness())).toEqual({ "1": "refused" });
    await harness().age(3600);
    await harness().sweep();
    runIs(OWN);
    const again = await postSigned(harness(), body());
    expect((await answerOf(again)).body).toMatchObject({ state: "refused", duplicate: true });
    await harness().sweep();
    expect(await states(harness())).toEqual({ "1": "refused" });
    expect(harness().nomad.seen).toEqual([]);
    expect(await harness().rows("SELECT name FROM runners")).toEqual([]);
    expect(asked()).toEqual([RUN]);
  });

  test("another repository of the same owner is a fork, too", async () => {
    runIs(headed({ full_name: "octo-org/public-site-2" }));
    await postSigned(harness(), body());
    expect(await states(harness())).toEqual({ "1": "refused" });
    expect(harness().nomad.seen).toEqual([]);
  });

  test.each(UNKNOWN)("GitHub %s: nothing is dispatched until it is known", async (_, reply) => {
    runIs(reply);
    expect((await postSigned(harness(), body())).status).toBe(202);
    await harness().age(3600);
    await harness().sweep();
    expect(await states(harness())).toEqual({ "1": "checking" });
    expect(harness().nomad.seen).toEqual([]);
    expect(await harness().rows("SELECT name FROM runners")).toEqual([]);
    // The sweep asks again, and then it is known.
    runIs(OWN);
    await harness().age(3600);
    await harness().sweep();
    expect(await states(harness())).toEqual({ "1": "waiting" });
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test("what turns out to be a fork later is refused then", async () => {
    runIs(headed(null));
    await postSigned(harness(), body());
    runIs(FORK);
    await harness().age(3600);
    await harness().sweep();
    expect(await states(harness())).toEqual({ "1": "refused" });
    expect(harness().nomad.seen).toEqual([]);
  });

  test("a question that GitHub just left open is not asked again at once", async () => {
    runIs(headed(null));
    await postSigned(harness(), body());
    await harness().sweep();
    expect(asked()).toEqual([RUN]);
    await harness().age(11);
    await harness().sweep();
    expect(asked()).toEqual([RUN, RUN]);
  });

  test("a job that was cancelled while it was checked gets no runner when the answer comes", async () => {
    runIs(headed(null));
    await postSigned(harness(), body());
    await postSigned(
      harness(),
      workflowJob({ id: 1, repository: REPOSITORY, private: false, action: "completed" }),
    );
    runIs(OWN);
    await harness().age(3600);
    await harness().sweep();
    expect(await states(harness())).toEqual({ "1": "completed" });
    expect(harness().nomad.seen).toEqual([]);
  });

  test("that GitHub fails is a problem in the log, with the job, and no secret", async () => {
    runIs({ status: 500, body: { message: "Server Error" } });
    await postSigned(harness(), body());
    const lines = (await linesSoFar(harness())).filter((line) => line.includes("Server Error"));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual(
      expect.objectContaining({ event: "looked_up", job_id: 1, outcome: "checking", error: "unavailable" }),
    );
  });
});
