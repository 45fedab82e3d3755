import {
  JIT,
  SCOPE,
  STACK,
  asked,
  claimFor,
  claimOf,
  granted,
  policyWith,
  registrations,
  registry,
  waiting,
} from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { GITHUB_TOKEN, type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

/** The bodies of the registrations that were asked for. */
function bodies(harness: Harness): Record<string, unknown>[] {
  return harness.github.seen
    .filter((one) => one.path.endsWith("/generate-jitconfig"))
    .map((one) => JSON.parse(one.body) as Record<string, unknown>);
}

describe.each(RUNTIMES)("what GitHub is asked for a claim (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  test("is one JIT config, with every label of the class, in the repository's only group", async () => {
    await harness.deliver(workflowJob({ id: 1, labels: ["self-hosted"] }));
    await granted(harness, claimOf(harness, "1:1"));
    expect(asked(harness)).toEqual([JIT]);
    expect(bodies(harness)).toEqual([
      {
        name: `${STACK}-linux-1-1`,
        runner_group_id: 1,
        labels: ["self-hosted", "linux", "x64"],
        work_folder: "_work",
      },
    ]);
  });

  test("is the repository's only group, whatever the policy says of an organization's", async () => {
    await harness.bind({ RUNNER_POLICY: { ...POLICY, runnerGroupId: 7 } });
    await granted(harness, await waiting(harness, 1));
    expect(bodies(harness)).toMatchObject([{ runner_group_id: 1 }]);
  });

  test("carries the credential, a User-Agent and the version of the API", async () => {
    const claim = await waiting(harness, 1);
    await granted(harness, claim);
    await harness.release(claim);
    const headers = harness.github.seen.map((one) => one.headers);
    expect(headers).toHaveLength(2);
    for (const one of headers) {
      expect(one).toMatchObject({
        authorization: `Bearer ${GITHUB_TOKEN}`,
        accept: "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
      });
      expect(one["user-agent"]).toMatch(/^[a-z-]+$/);
    }
  });

  test("is asked below the API's base path, as GitHub Enterprise Server has one", async () => {
    await harness.bind({ GITHUB_API_URL: `${harness.github.url}/api/v3/` });
    await granted(harness, await waiting(harness, 1));
    expect(asked(harness)).toEqual([JIT.replace("/repos", "/api/v3/repos")]);
  });

  test("is a name of its own for every ordinal and job, each with the stack's id", async () => {
    for (const id of [1, 2]) await granted(harness, await waiting(harness, id));
    await harness.release(claimOf(harness, "1:1"));
    await granted(harness, claimOf(harness, "1:2"));
    const names = bodies(harness).map((one) => one["name"]);
    expect(names).toEqual(["linux-1-1", "linux-2-1", "linux-1-2"].map((rest) => `${STACK}-${rest}`));
  });

  test("is a name within GitHub's 64 characters for the longest class and the largest ids", async () => {
    const name = "a-class-of-24-characters";
    await harness.bind({ RUNNER_POLICY: policyWith({ name }) });
    const job = Number.MAX_SAFE_INTEGER;
    const claim = await waiting(harness, job);
    expect(name).toHaveLength(24);
    const first = await granted(harness, claim);
    expect(first).toBe(`${STACK}-${name}-${String(job)}-1`);
    // A replacement's ordinal may be as long as any id.
    expect(64 - (first.length - 1)).toBeGreaterThanOrEqual(15);
  });

  test("in organization scope is asked at the organization, in the policy's runner group", async () => {
    const policy = { ...POLICY, scope: "organization", runnerGroupId: 7, repositories: ["octo-org/*"] };
    await harness.bind({ RUNNER_POLICY: policy });
    harness.github.reply = registry().reply;
    await harness.deliver(workflowJob({ id: 1, organization: "octo-org" }));
    await harness.deliver(workflowJob({ id: 2, organization: "octo-org", repository: "octo-org/other" }));
    const claim = claimOf(harness, "1:1");
    await granted(harness, claim, "alloc-1");
    expect(bodies(harness)[0]).toMatchObject({ runner_group_id: 7, labels: LINUX.labels });
    expect((await harness.claim(claimFor({ scope: SCOPE }))).status).toBe(410);
    // One of the two jobs went to the other runner, whichever repository it is of.
    await granted(harness, claimOf(harness, "2:1"), "alloc-2");
    await harness.release(claim, "alloc-1");
    await harness.rows("UPDATE runners SET registration_id = NULL WHERE job_id = 2");
    await harness.release(claimOf(harness, "2:1"), "alloc-2");
    expect(asked(harness)).toEqual([
      "POST /orgs/octo-org/actions/runners/generate-jitconfig",
      "POST /orgs/octo-org/actions/runners/generate-jitconfig",
      "DELETE /orgs/octo-org/actions/runners/701",
      `GET /orgs/octo-org/actions/runners?name=${STACK}-linux-2-1&per_page=100`,
      "DELETE /orgs/octo-org/actions/runners/702",
    ]);
  });

  describe("when a registration has the runner's name already", () => {
    const NAME = `${STACK}-linux-1-1`;
    const FIND = `GET /repos/${SCOPE}/actions/runners?name=${NAME}&per_page=100`;
    const remove = (id: number) => `DELETE /repos/${SCOPE}/actions/runners/${String(id)}`;

    test("it is deleted once and made again, and no other name is touched", async () => {
      const claim = await waiting(harness, 1);
      const github = registry();
      harness.github.reply = github.reply;
      const others = ["000000-linux-1-1", "my-own-runner", `${NAME}1`, NAME.toUpperCase()];
      for (const name of others) github.add(name, { status: "online" });
      github.add(NAME);
      await granted(harness, claim);
      expect(asked(harness)).toEqual([JIT, FIND, remove(705), JIT]);
      expect(github.runners.map((one) => one.name)).toEqual([...others, NAME]);
      expect(github.runners.at(-1)?.id).toBe(706);
    });

    test("it is found on a later page of a server that does not filter by name", async () => {
      const claim = await waiting(harness, 1);
      const github = registry();
      const page = Array.from({ length: 100 }, (_, id) => ({
        id: id + 1,
        name: `stranger-${String(id)}`,
        status: "online",
        busy: false,
      }));
      github.add(NAME);
      harness.github.reply = (request) => {
        const first = request.path.includes("?name=") && !request.path.includes("&page=2");
        return first ? { status: 200, body: { total_count: 101, runners: page } } : github.reply(request);
      };
      await granted(harness, claim);
      expect(asked(harness)).toEqual([JIT, FIND, `${FIND}&page=2`, remove(701), JIT]);
    });

    test("and it is at work: 409, and the runner is left alone", async () => {
      const claim = await waiting(harness, 1);
      const github = registry();
      harness.github.reply = github.reply;
      github.add(NAME, { status: "online", busy: true });
      expect((await harness.claim(claim, "alloc-1")).status).toBe(409);
      expect(asked(harness)).toEqual([JIT, FIND, remove(701)]);
      expect(github.runners).toHaveLength(1);
    });

    test("and the list does not show it: 503, and no more than two tries", async () => {
      const claim = await waiting(harness, 1);
      const rest = harness.github.reply;
      harness.github.reply = (request) =>
        request.path.endsWith("/generate-jitconfig") ? { status: 409, body: {} } : rest(request);
      const response = await harness.claim(claim);
      expect(response.status).toBe(503);
      expect(response.headers.get("Retry-After")).toBe("10");
      expect(asked(harness)).toEqual([JIT, FIND, JIT]);
      harness.github.reply = rest;
      await granted(harness, claim);
      expect(registrations(harness)).toBe(3);
    });
  });
});
