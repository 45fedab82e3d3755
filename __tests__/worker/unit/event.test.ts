import examples from "@octokit/webhooks-examples";
import { parseEvent } from "../../../worker/event";
import { DELIVERY, bytes, headers, payload } from "./support/deliveries";

const parse = (value: unknown, changes: Record<string, string | null> = {}) =>
  parseEvent(headers(changes), bytes(value));
const event = (value: unknown) => {
  const parsed = parse(value);
  if (parsed.kind !== "workflow_job") throw new Error(`not a workflow job: ${JSON.stringify(parsed)}`);
  return parsed.event;
};

describe("a workflow_job delivery", () => {
  test("is read field by field", () => {
    expect(event(payload())).toEqual({
      delivery: DELIVERY,
      action: "queued",
      jobId: 2832853555,
      runId: 940463255,
      name: "build",
      labels: ["self-hosted", "linux"],
      conclusion: null,
      runnerName: null,
      repository: { fullName: "octo-org/example", owner: "octo-org", private: true, fork: false },
      organization: "octo-org",
    });
  });

  test("says which runner took the job, and how it ended", () => {
    expect(event(payload("in_progress", { runner_name: "a1b2c3-linux-1-1" }))).toMatchObject({
      action: "in_progress",
      runnerName: "a1b2c3-linux-1-1",
      conclusion: null,
    });
    expect(event(payload("completed", { conclusion: "cancelled", runner_name: "" }))).toMatchObject({
      action: "completed",
      conclusion: "cancelled",
      runnerName: null,
    });
  });

  test("has a conclusion only when it is completed, and only one that GitHub documents", () => {
    expect(event(payload("in_progress", { conclusion: "success" })).conclusion).toBeNull();
    expect(event(payload("completed", { conclusion: "'; DROP TABLE" })).conclusion).toBeNull();
    expect(event(payload("completed", { conclusion: 7 })).conclusion).toBeNull();
  });

  test.each([
    ["its runner's name", "runner_name", "$(reboot)", "runnerName", null],
    ["its name", "name", 'a"b${x}\n{{y}}../c', "name", "a_b__x____y__../c"],
    ["its name when it is no text", "name", 5, "name", "_"],
    ["a name over 100 characters", "name", "x".repeat(101), "name", "x".repeat(100)],
  ])("never carries a hostile text on: %s", (_, field, value, read, expected) => {
    expect(event(payload("in_progress", { [field]: value }))).toHaveProperty(read, expected);
  });

  test.each([
    ["private is missing", { private: undefined, visibility: undefined }],
    ["private is null", { private: null }],
    ["private is a text", { private: "true" }],
    ["visibility says so", { private: true, visibility: "public" }],
    ["private is false", { private: false, visibility: "private" }],
  ])("is of a public repository when %s", (_, repository) => {
    expect(event(payload("queued", {}, repository)).repository.private).toBe(false);
  });

  test("is of a private repository when its enterprise may read it", () => {
    const internal = { private: true, visibility: "internal" };
    expect(event(payload("queued", {}, internal)).repository.private).toBe(true);
  });

  test("says whether the repository is a fork", () => {
    expect(event(payload("queued", {}, { fork: true })).repository.fork).toBe(true);
  });

  test.each([
    ["missing", undefined],
    ["no object", "octo-org"],
    ["without a login", {}],
    ["with a hostile login", { login: "octo org/.." }],
  ])("has no organization when that is %s", (_, organization) => {
    expect(event({ ...payload(), organization }).organization).toBeNull();
  });

  test("is read whatever its content type is, but for the form's", () => {
    for (const type of [null, "text/plain", "application/json; charset=utf-8"]) {
      expect(parse(payload(), { "Content-Type": type }).kind).toBe("workflow_job");
    }
  });

  test("may name no labels", () => {
    expect(event(payload("queued", { labels: [] })).labels).toEqual([]);
  });

  test.each([
    ["more than 100 labels", Array.from({ length: 101 }, (_, index) => `label-${String(index)}`)],
    ["a label that no runner of ours can have", ["self-hosted", "${IFS}"]],
  ])("of a running job counts as no job of a class when it has %s", (_, labels) => {
    const started = event(payload("in_progress", { labels, runner_name: "a1b2c3-linux-1-1" }));
    expect(started).toMatchObject({ labels: [], runnerName: "a1b2c3-linux-1-1" });
  });

  test("has up to 100 labels as they are written", () => {
    const labels = Array.from({ length: 100 }, (_, index) => `Label-${String(index)}`);
    expect(event(payload("queued", { labels })).labels).toEqual(labels);
  });
});

describe("what is no request for a runner is ignored with its reason:", () => {
  test.each([
    ["action_waiting", payload("waiting")],
    ["other_action", payload("requested")],
    ["status_waiting", payload("queued", { status: "waiting" })],
    ["status_not_queued", payload("queued", { status: "in_progress" })],
    ["status_not_queued", payload("queued", { status: undefined })],
    ["too_many_labels", payload("queued", { labels: Array.from({ length: 101 }, () => "linux") })],
    ["bad_label", payload("queued", { labels: ["self-hosted", "a b"] })],
    ["bad_label", payload("queued", { labels: ["self-hosted", "x".repeat(257)] })],
    ["bad_label", payload("queued", { labels: [""] })],
  ])("%s", (reason, value) => {
    expect(parse(value)).toEqual({ kind: "ignored", reason });
  });

  test("another event", () => {
    for (const name of ["push", "workflow_run", "check_run"]) {
      const parsed = parse(payload(), { "X-GitHub-Event": name });
      expect(parsed).toEqual({ kind: "ignored", reason: "other_event" });
    }
  });

  test("a ping is a ping", () => {
    expect(parse({ zen: "Design for failure.", hook_id: 1 }, { "X-GitHub-Event": "ping" })).toEqual({
      kind: "ping",
    });
  });
});

interface Example {
  readonly action: string;
  readonly workflow_job: { readonly status: string };
}

describe("what GitHub publishes as examples", () => {
  const published = (examples.find(({ name }) => name === "workflow_job")?.examples ?? []) as unknown;
  const all = published as readonly Example[];

  test("is there to be read", () => {
    expect(all.length).toBeGreaterThan(3);
  });

  test.each(all)("is understood: $action, $workflow_job.status", (example) => {
    const { action } = example;
    const asks = action === "queued" && example.workflow_job.status === "queued";
    const tells = action === "in_progress" || action === "completed";
    expect(parse(example).kind).toBe(asks || tells ? "workflow_job" : "ignored");
  });
});
