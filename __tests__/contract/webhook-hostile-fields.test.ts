import { JOB_NAME } from "../../contracts/patterns";
import { deliveryHeaders, workflowJob } from "../support/harness/deliveries";
import { type Harness, WEBHOOK_SECRET } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { expectNothingThrown, forgetAll, postSigned, useHarness } from "../support/webhook";

/** Texts that something further on could act on: a shell, HCL, a template, SQL, a log, a file system. */
const TEXTS = [
  'quote"d',
  "quote'd",
  "back`tick`",
  "line\nbreak",
  "line\r\nSet-Cookie: a=b",
  "nul\u0000byte",
  "${HOME}",
  "$(reboot)",
  "%{ for x in y }",
  '{{ key "secret" }}',
  "../../etc/passwd",
  "..",
  "octo-org/..",
  "octo-org/../secrets",
  "'; DROP TABLE jobs; --",
  "<script>alert(1)</script>",
  "\u202etxt.exe",
  "\ud800",
  "🎉",
  "-rf",
  "",
  " ",
  "x".repeat(10_000),
];

const VALUES: readonly unknown[] = [null, -1, 0, 1.5, 2 ** 53, 1e300, [], {}, [[]], { length: 1 }, ...TEXTS];

/** Where in a delivery somebody else's words stand, and which answers there are to a value that does not belong there. */
const PLACES: readonly (readonly [string, "queued" | "in_progress", readonly number[]])[] = [
  ["action", "queued", [200, 400]],
  ["workflow_job", "queued", [400]],
  ["workflow_job.id", "queued", [400]],
  ["workflow_job.run_id", "queued", [400]],
  ["workflow_job.status", "queued", [200]],
  ["workflow_job.labels", "queued", [200, 400]],
  ["workflow_job.labels.0", "queued", [200, 400]],
  ["repository", "queued", [400]],
  ["repository.full_name", "queued", [400]],
  ["repository.full_name", "in_progress", [400]],
  ["repository.private", "queued", [200]],
  // What no decision hangs on is cleaned or left aside.
  ["workflow_job.name", "queued", [202]],
  ["repository.fork", "queued", [202]],
  ["repository.owner", "queued", [202]],
  ["organization.login", "queued", [202]],
  ["workflow_job.runner_name", "in_progress", [202]],
  ["workflow_job.conclusion", "in_progress", [202]],
];

/** A good delivery with another value in one place. */
function changed(id: number, action: "queued" | "in_progress", place: string, value: unknown): string {
  const body: unknown = { ...workflowJob({ id, action }), organization: { login: "octo-org" } };
  const keys = place.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce(
    (at, key) => at[key] as Record<string, unknown>,
    body as Record<string, unknown>,
  );
  parent[last] = value;
  return JSON.stringify(body);
}

/** What a harmless delivery of that job gives, but for the job's cleaned name. */
function harmless(id: number): unknown {
  return {
    job: "github-runner-linux",
    token: `${String(id)}:1`,
    meta: {
      REPO_FULL_NAME: "octo-org/example",
      REPO_SHORT_NAME: "example",
      WORKFLOW_RUN: "501",
      WORKFLOW_JOB: String(id),
    },
    prefix: `example-${String(id)}`,
    repo: "octo-org/example",
    name: expect.stringMatching(JOB_NAME) as unknown,
    fork: false,
  };
}

function dispatched(harness: Harness): unknown[] {
  return harness.dispatches().map(({ job, token, body, payload }) => ({
    job,
    token,
    meta: body["Meta"],
    prefix: body["IdPrefixTemplate"],
    repo: payload["repo"],
    name: payload["job"],
    fork: payload["fork"],
  }));
}

describe.each(RUNTIMES)("fields under a right signature (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));
  afterEach(async () => expectNothingThrown(harness()));

  test.each(PLACES)(
    "whatever stands in %s of a job %s: the answer is one of %j, and nothing hostile goes on",
    async (place, action, answers) => {
      for (const [index, value] of VALUES.entries()) {
        const body = changed(index + 1, action, place, value);
        const { status } = await harness().post(body, deliveryHeaders(WEBHOOK_SECRET, body));
        expect({ value, expected: answers.includes(status) ? "as told" : status }).toEqual({
          value,
          expected: "as told",
        });
      }
      await harness().runtime.idle();
      await harness().sweep();
      const ids = answers.includes(202) ? VALUES.map((_, index) => index + 1) : [];
      const jobs = await harness().rows("SELECT job_id, name, runner_name, conclusion, scope FROM jobs");
      expect(jobs).toEqual(
        ids.map((id) => ({
          job_id: id,
          name: expect.stringMatching(JOB_NAME) as unknown,
          runner_name: null,
          conclusion: null,
          scope: "octo-org/example",
        })),
      );
      const sent = dispatched(harness());
      expect(sent).toHaveLength(action === "queued" ? ids.length : 0);
      expect(sent).toEqual(expect.arrayContaining(action === "queued" ? ids.map(harmless) : []));
    },
  );

  test.each([
    ["build (ubuntu, 22.04)", "build (ubuntu, 22.04)"],
    ['build "quoted"', "build _quoted_"],
    ["it's `this`", "it_s _this_"],
    ["line\r\nbreak", "line__break"],
    ["${HOME} $(id)", "__HOME_ _(id)"],
    ['{{ key "x" }}', "__ key _x_ __"],
    ["%{ if x }", "__ if x _"],
    ["../../etc/passwd", "../../etc/passwd"],
    ["a\\b", "a_b"],
    ["nul\u0000", "nul_"],
    ["größe", "gr__e"],
    ["🎉", "__"],
    ["", "_"],
    [null, "_"],
    [42, "_"],
    [["build"], "_"],
    ["x".repeat(101), "x".repeat(100)],
    [`${"x".repeat(99)}🎉`, `${"x".repeat(99)}_`],
  ])("a job named %j is dispatched as %j", async (name, cleaned) => {
    const body = workflowJob({ id: 1 });
    body.workflow_job["name"] = name;
    expect((await postSigned(harness(), body)).status).toBe(202);
    expect(
      harness()
        .dispatches()
        .map((one) => one.payload["job"]),
    ).toEqual([cleaned]);
    expect(await harness().rows("SELECT name FROM jobs")).toEqual([{ name: cleaned }]);
  });
});
