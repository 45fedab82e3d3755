import examples from "@octokit/webhooks-examples";
import { deliveryHeaders, workflowJob } from "../support/harness/deliveries";
import { WEBHOOK_SECRET, acceptingNomad } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  answerOf,
  expectNothingHappened,
  expectNothingThrown,
  forgetAll,
  ignored,
  postSigned,
  tokens,
  unusable,
  useHarness,
} from "../support/webhook";

const GOOD = workflowJob({ id: 1 });
const FORM = `payload=${encodeURIComponent(JSON.stringify(GOOD))}`;

describe.each(RUNTIMES)("answers to signed deliveries (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));

  test("202 says which job was accepted, in which state, and that nothing may keep the answer", async () => {
    const response = await postSigned(harness(), GOOD);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(await answerOf(response)).toEqual({
      status: 202,
      body: { outcome: "accepted", job_id: 1, state: "waiting", duplicate: false },
    });
    expect(tokens(harness())).toEqual(["1:1"]);
  });

  test("202 comes when the ledger holds the job, and does not wait for Nomad", async () => {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    harness().nomad.reply = async () => held.then(acceptingNomad);
    const body = JSON.stringify(GOOD);
    const response = await harness().post(body, deliveryHeaders(WEBHOOK_SECRET, body));
    expect(response.status).toBe(202);
    expect(await harness().rows("SELECT job_id, state FROM jobs")).toEqual([{ job_id: 1, state: "waiting" }]);
    expect(await harness().rows("SELECT state FROM runners")).toEqual([{ state: "requested" }]);
    letGo();
    await harness().runtime.idle();
    harness().nomad.reply = acceptingNomad;
    expect(await harness().rows("SELECT state FROM runners")).toEqual([{ state: "dispatched" }]);
  });

  test("202 says that a delivery which changed nothing is a duplicate", async () => {
    await postSigned(harness(), GOOD, { "X-GitHub-Delivery": "same" });
    const again = await postSigned(harness(), GOOD, { "X-GitHub-Delivery": "same" });
    expect(await answerOf(again)).toEqual({
      status: 202,
      body: { outcome: "accepted", job_id: 1, state: "waiting", duplicate: true },
    });
  });

  test("a content type with parameters, or of an API, is JSON all the same", async () => {
    const types = ["application/json; charset=utf-8", "application/vnd.github+json"];
    for (const [index, type] of types.entries()) {
      const body = workflowJob({ id: 10 + index });
      expect((await postSigned(harness(), body, { "Content-Type": type })).status).toBe(202);
    }
  });

  test.each([
    ["no event header", GOOD, { "X-GitHub-Event": null }, "no_event_header"],
    ["an empty event header", GOOD, { "X-GitHub-Event": "" }, "no_event_header"],
    [
      "an event header that is no event's name",
      GOOD,
      { "X-GitHub-Event": "workflow_job, push" },
      "bad_event_header",
    ],
    ["no delivery header", GOOD, { "X-GitHub-Delivery": null }, "no_delivery_header"],
    ["a delivery header that is no GUID", GOOD, { "X-GitHub-Delivery": "${jndi:x}" }, "bad_delivery_header"],
    ["the form encoding", FORM, { "Content-Type": "application/x-www-form-urlencoded" }, "form_encoded"],
    [
      "JSON that is called a form",
      GOOD,
      { "Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8" },
      "form_encoded",
    ],
    ["a form that is called JSON", FORM, {}, "not_json"],
    ["an empty body", "", {}, "not_json"],
    ["half of a delivery", JSON.stringify(GOOD).slice(0, 500), {}, "not_json"],
    ["two deliveries in one body", JSON.stringify(GOOD).repeat(2), {}, "not_json"],
    ["a list of deliveries", JSON.stringify([GOOD]), {}, "not_an_object"],
    ["a JSON text", '"workflow_job"', {}, "not_an_object"],
    ["null", "null", {}, "not_an_object"],
    ["a ping that is not JSON", "zen", { "X-GitHub-Event": "ping" }, "not_json"],
  ])("400 to what is signed but unusable: %s", async (_, body, headers, reason) => {
    expect(await answerOf(await postSigned(harness(), body, headers))).toEqual(unusable(reason));
    await expectNothingHappened(harness());
  });

  test.each([
    ["no action", { action: undefined }, "no_action"],
    ["an action that is no text", { action: ["queued"] }, "no_action"],
    ["no workflow job", { workflow_job: undefined }, "no_workflow_job"],
    ["a list for the workflow job", { workflow_job: [1] }, "no_workflow_job"],
    ["no repository", { repository: undefined }, "no_repository"],
    ["a repository without its name", { repository: {} }, "bad_repository"],
  ])("400 to a workflow job with %s", async (_, changes, reason) => {
    const body = JSON.stringify({ ...GOOD, ...changes });
    expect(await answerOf(await postSigned(harness(), body))).toEqual(unusable(reason));
    await expectNothingHappened(harness());
  });

  test("a ping is answered 200, as GitHub publishes it", async () => {
    const ping = JSON.stringify(published("ping")[0]);
    expect(await answerOf(await postSigned(harness(), ping, { "X-GitHub-Event": "ping" }))).toEqual(
      ignored("ping"),
    );
    await expectNothingHappened(harness());
  });

  test("every other event that GitHub publishes is answered 200 and ignored", async () => {
    const others = names().filter((name) => name !== "ping" && name !== "workflow_job");
    expect(others.length).toBeGreaterThan(40);
    for (const name of others) {
      const [example] = published(name);
      const response = await postSigned(harness(), JSON.stringify(example), { "X-GitHub-Event": name });
      expect({ name, ...(await answerOf(response)) }).toEqual({ name, ...ignored("other_event") });
    }
    await expectNothingHappened(harness());
  });

  test("a workflow job's body under another event's name asks for nothing", async () => {
    for (const name of ["workflow_run", "push", "check_run"]) {
      const response = await postSigned(harness(), GOOD, { "X-GitHub-Event": name });
      expect(await answerOf(response)).toEqual(ignored("other_event"));
    }
    await expectNothingHappened(harness());
  });

  test.each([
    ["waiting at an approval gate", workflowJob({ action: "waiting" }), "action_waiting"],
    ["queued while an approval gate holds it", workflowJob({ status: "waiting" }), "status_waiting"],
    ["queued while it is requested only", workflowJob({ status: "requested" }), "status_not_queued"],
    ["queued while it runs already", workflowJob({ status: "in_progress" }), "status_not_queued"],
    ["of an action nobody has heard of", { ...workflowJob(), action: "Queued" }, "other_action"],
    ["without labels", workflowJob({ labels: [] }), "no_labels"],
    ["without the self-hosted label", workflowJob({ labels: ["linux", "x64"] }), "no_self_hosted_label"],
    ["for a label that nobody offers", workflowJob({ labels: ["self-hosted", "gpu"] }), "no_class_fits"],
    [
      "of a repository outside the policy",
      workflowJob({ repository: "stranger/repo" }),
      "repository_not_allowed",
    ],
    ["of a public repository that is not listed", workflowJob({ private: false }), "public_repository"],
  ])("a workflow job %s is answered 200 and ignored with its reason", async (_, body, reason) => {
    expect(await answerOf(await postSigned(harness(), body))).toEqual(ignored(reason));
    await expectNothingHappened(harness());
    await expectNothingThrown(harness());
  });

  test.each([
    "/",
    "/webhook/",
    "/Webhook",
    "/webhooks",
    "/webhook/x",
    "/runners",
    "/v1/jobs",
    "/favicon.ico",
  ])("404 to %s, signed as it may be", async (path) => {
    const body = JSON.stringify(GOOD);
    const headers = deliveryHeaders(WEBHOOK_SECRET, body);
    const response = await harness().runtime.fetch(path, { method: "POST", body, headers });
    expect(await answerOf(response)).toEqual({ status: 404, body: { error: "no such path" } });
    await expectNothingHappened(harness());
  });
});

interface Published {
  readonly name: string;
  readonly examples: readonly unknown[];
}

function names(): string[] {
  return (examples as unknown as readonly Published[]).map((one) => one.name);
}

/** GitHub's own examples of an event. */
function published(name: string): readonly unknown[] {
  const found = (examples as unknown as readonly Published[]).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no published example of ${name}`);
  return found.examples;
}
