import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import examples from "@octokit/webhooks-examples";
import { runHook } from "./support/hook";

const id = 1296269;
const own = { id, full_name: "octo-org/example", private: false };
const fork = { id: 5, full_name: "stranger/example" };
const ownHead = { id, full_name: "octo-org/example" };
const head = (repo: unknown): unknown => ({ head: { repo } });
const suite = (branch: string | null, ...heads: unknown[]): unknown => ({
  head_branch: branch,
  pull_requests: heads.map(head),
});

type Row = readonly [event: string, what: string, payload: object, ref?: string];

const allowed: readonly Row[] = [
  ["push", "a push", {}],
  ["schedule", "a schedule, whose payload may name no repository", { repository: undefined }],
  ["workflow_dispatch", "a start by hand", { inputs: { pull_request: "1" } }],
  ["repository_dispatch", "a start by API", { client_payload: { pull_request: head(fork) } }],
  ["merge_group", "a merge queue", {}, "refs/heads/gh-readonly-queue/main/pr-1"],
  ["release", "a release", {}],
  ["issues", "an issue", { issue: { number: 1 } }],
  ["issue_comment", "a comment on an issue", { issue: { number: 1 } }],
  ["deployment_status", "a deployment", { workflow_run: null, check_run: null }],
  ["pull_request", "an own branch", { pull_request: head(ownHead) }, "refs/pull/1/merge"],
  ["pull_request_target", "an own branch", { pull_request: head(ownHead) }],
  ["pull_request_review", "an own branch", { pull_request: head(ownHead) }, "refs/pull/1/merge"],
  ["workflow_run", "a run of an own branch", { workflow_run: { head_repository: ownHead } }],
  ["check_suite", "an own branch", { check_suite: suite("main", ownHead) }],
  ["check_run", "an own branch", { check_run: { check_suite: suite("main") } }],
  ["status", "a commit of an own branch", { branches: [{ name: "main" }] }],
  [
    "pull_request",
    "a private repository's fork",
    { repository: { id, private: true }, pull_request: head(fork) },
  ],
  ["dynamic", "anything in a private repository", { repository: { id, private: true } }],
];

const refused: readonly Row[] = [
  ["pull_request", "a fork", { pull_request: head(fork) }, "refs/pull/1/merge"],
  ["pull_request", "a fork that is gone", { pull_request: head(null) }],
  ["pull_request", "no pull request in it", {}],
  ["pull_request", "a head of the same name and another id", { pull_request: head({ ...ownHead, id: 6 }) }],
  ["pull_request", "an id that is text", { pull_request: head({ id: String(id) }) }],
  ["pull_request", "no repository", { repository: undefined, pull_request: head({}) }],
  ["pull_request", "no ids", { repository: { private: false }, pull_request: head({}) }],
  [
    "pull_request",
    "`private` as text",
    { repository: { ...own, private: "true" }, pull_request: head(fork) },
  ],
  ["pull_request_target", "a fork", { pull_request: head(fork) }],
  ["pull_request_review", "a fork", { pull_request: head(fork) }],
  ["pull_request_review_comment", "a fork", { pull_request: head(fork) }],
  ["workflow_run", "a fork's run", { workflow_run: { head_repository: fork } }],
  ["workflow_run", "a run of unknown origin", { workflow_run: {} }],
  ["workflow_run", "no run", {}],
  ["check_suite", "a fork", { check_suite: suite(null) }],
  ["check_suite", "an own and a fork's pull request", { check_suite: suite("main", ownHead, fork) }],
  ["check_run", "a fork", { check_run: { check_suite: suite(null) } }],
  ["check_run", "no suite", { check_run: {} }],
  ["issue_comment", "a comment on a pull request", { issue: { pull_request: { url: "u" } } }],
  ["status", "a commit of no own branch", { branches: [] }],
  ["push", "a pull request's merge commit", {}, "refs/pull/1/merge"],
  ["dynamic", "an event that is not known", {}],
  ["", "no event name", {}],
];

const named = (rows: readonly Row[]): { name: string; what: string; event: string; ref: string }[] =>
  rows.map(([name, what, payload, ref = "refs/heads/main"]) => {
    return { name, what, ref, event: JSON.stringify({ repository: own, ...payload }) };
  });

describe("in a public repository", () => {
  test.each(named(allowed))("$name by $what runs", async (run) => {
    expect(await runHook(run)).toMatchObject({ code: 0, state: "allowed", steps: ["step"] });
  });

  test.each(named(refused))("$name by $what runs no step", async (run) => {
    const result = await runHook(run);
    expect(result).toMatchObject({ code: 1, state: "refused", steps: [], worker: 0 });
    expect(result.output).toContain(
      "::error title=Workflow job refused by this runner::This repository is public",
    );
  });
});

/** GitHub's own example of an event, as of a public repository. */
function example(name: string): string {
  const found = examples.find((entry) => entry.name === name)?.examples[0];
  if (found === undefined || !("repository" in found)) throw new Error(`no example of ${name}`);
  return JSON.stringify({ ...found, repository: { ...found.repository, private: false } });
}

test.each(["pull_request", "push", "check_suite", "check_run", "release", "issue_comment"])(
  "GitHub's own example of %s, of an own branch, runs",
  async (name) => {
    expect(await runHook({ name, event: example(name) })).toMatchObject({
      state: "allowed",
      steps: ["step"],
    });
  },
);

test.each([
  ["missing", undefined],
  ["empty", ""],
  ["not JSON", "{"],
  ["null", "null"],
  ["text", '"push"'],
])("an event file that is %s stops the job", async (_what, event) => {
  const result = await runHook(event === undefined ? {} : { event });
  expect(result).toMatchObject({ code: 1, state: "refused", steps: [] });
});

const pull = { name: "pull_request", event: JSON.stringify({ repository: own, pull_request: head(fork) }) };

test.each(["sh", "bash"])("the class may allow forks (%s)", async (shell) => {
  const result = await runHook({ ...pull, shell, env: { JOB_HOOK_ALLOW_FORKS: "true" } });
  expect(result).toMatchObject({ code: 0, state: "allowed", steps: ["step"] });
});

test("a refusal holds under bash as well", async () => {
  expect(await runHook({ ...pull, shell: "bash" })).toMatchObject({ code: 1, state: "refused", steps: [] });
});

test("a worker that does not leave is killed before any step", async () => {
  const result = await runHook({ ...pull, deaf: true });
  expect(result).toMatchObject({ code: undefined, state: "refused", steps: [], worker: "SIGKILL" });
});

test("a state that cannot be written stops the job", async () => {
  const event = JSON.stringify({ repository: own });
  const result = await runHook({ event, env: { JOB_HOOK_STATE: "/nowhere/state" } });
  expect(result).toMatchObject({ code: 1, steps: [] });
});

describe("the parser", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "job-hook-path-"));
    for (const name of ["sh", "sleep"]) symlinkSync(`/bin/${name}`, join(directory, name));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const push = { event: JSON.stringify({ repository: own }) };

  test("no node anywhere stops the job, a harmless one too", async () => {
    const result = await runHook({ ...push, env: { PATH: directory } });
    expect(result).toMatchObject({ code: 1, state: "refused", steps: [] });
    expect(result.output).toContain("No node was found");
  });

  test("the runner's own node is used, and one that does not start is passed over", async () => {
    for (const [name, text] of [
      ["node20_alpine", "#!/bin/sh\nexit 127\n"],
      ["node24", `#!/bin/sh\nexec '${process.execPath}' "$@"\n`],
    ] as const) {
      mkdirSync(join(directory, "externals", name, "bin"), { recursive: true });
      writeFileSync(join(directory, "externals", name, "bin/node"), text, { mode: 0o755 });
    }
    const result = await runHook({ ...push, env: { PATH: directory, JOB_HOOK_RUNNER_ROOT: directory } });
    expect(result).toMatchObject({ code: 0, state: "allowed", steps: ["step"] });
  });

  test("an interrupt while it works does not make way for the steps", async () => {
    mkdirSync(join(directory, "externals/node24/bin"), { recursive: true });
    const slow = `#!/bin/sh\nsleep 0.5\nexec '${process.execPath}' "$@"\n`;
    writeFileSync(join(directory, "externals/node24/bin/node"), slow, { mode: 0o755 });
    const env = { JOB_HOOK_RUNNER_ROOT: directory };
    const result = await runHook({ ...pull, env, interruptMs: 300 });
    expect(result).toMatchObject({ code: 1, state: "refused", steps: [] });
  });

  test("NODE_OPTIONS does not reach it", async () => {
    const script = join(directory, "allow-all.cjs");
    writeFileSync(script, "process.exit(0);");
    const result = await runHook({ ...pull, hookEnv: { NODE_OPTIONS: `--require ${script}` } });
    expect(result).toMatchObject({ code: 1, state: "refused", steps: [] });
  });
});
