import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MARKER } from "../../scripts/plan-comment/render";
import { type CommentsServer, commentsServer } from "./support/comments-server";
import { recordedDiff } from "./support/recorded-diff";

const ROOT = join(__dirname, "..", "..");
const TSX = require.resolve("tsx/cli");
const TOKEN = "ghs_token-of-this-run";

const scratch = mkdtempSync(join(tmpdir(), "plan-comment-"));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the script with nothing of this process's environment but the way to Node. */
function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [TSX, join(ROOT, "scripts/plan-comment.ts"), ...args], {
      env: { PATH: process.env["PATH"] ?? "", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
    });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (piece: string) => {
        said[name] += piece;
      });
    }
    child.once("error", reject);
    child.once("close", (status) => {
      resolve({ status, ...said });
    });
  });
}

/** A program that prints what was recorded, as `cdktf diff` would, and ends as it did. */
function program(output: string, status = 0): readonly string[] {
  const file = join(mkdtempSync(join(scratch, "program-")), "output");
  writeFileSync(file, output);
  return ["plan", "sh", "-c", 'cat "$1"; exit "$2"', "sh", file, String(status)];
}

/** The step's output as GitHub's runner reads it.
 *  @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#multiline-strings */
function stepOutput(file: string): string {
  const [head = "", ...rest] = readFileSync(file, "utf8").split("\n");
  const [, name, end] = /^(\w+)<<(.+)$/.exec(head) ?? [];
  expect(name).toBe("comment");
  return rest.slice(0, rest.indexOf(end ?? "")).join("\n");
}

describe("plan-comment plan", () => {
  test("hands the comment on as the step's output, and shows the output without secrets or commands", async () => {
    const file = join(scratch, "github-output");
    writeFileSync(file, "");
    const secret = "PAuGU7tmZKk=";
    const output = recordedDiff("changes").replace("Plan:", "::add-mask::x\nPlan:");
    const ended = await run(program(output), {
      GITHUB_ACTIONS: "true",
      GITHUB_OUTPUT: file,
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "octo-org/runners",
      GITHUB_RUN_ID: "5",
      NOMAD_TOKEN: secret,
    });
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    const comment = stepOutput(file);
    expect(comment.split("\n")[0]).toBe(MARKER);
    expect(comment).toContain("(https://github.com/octo-org/runners/actions/runs/5)");
    expect(comment + ended.stdout).not.toContain(secret);
    expect(comment).toContain("(redacted)");
    // Between these two lines the runner reads no command.
    const [, token] = /^::stop-commands::(\S+)$/m.exec(ended.stdout) ?? [];
    const inside = ended.stdout.slice(
      ended.stdout.indexOf("\n"),
      ended.stdout.lastIndexOf(`::${token ?? ""}::`),
    );
    expect(inside).toContain("::add-mask::x");
    expect(inside).toContain("Plan: 2 to add");
  });

  test("ends as the command ended, with a comment that says so", async () => {
    const file = join(scratch, "github-output-failed");
    const ended = await run(program(recordedDiff("failed"), 3), { GITHUB_OUTPUT: file });
    expect(ended.status).toBe(3);
    expect(stepOutput(file)).toContain("**The plan failed.**");
  });

  test("prints the comment where there is no step, and reads both streams", async () => {
    const { stdout } = await run(["plan", "sh", "-c", "echo 'No changes.'; echo to stderr >&2"]);
    expect(stdout).toContain(`\n${MARKER}\n`);
    expect(stdout).toContain("**No changes.**");
    expect(stdout).toContain("to stderr");
    expect(stdout).not.toContain("stop-commands");
  });

  test("says that a command is not there", async () => {
    const ended = await run(["plan", "no-such-program"]);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain("no-such-program did not start");
  });

  test.each([[[]], [["plan"]], [["show"]], [["post", "x"]]])("shows its usage for %j", async (args) => {
    const ended = await run(args);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain("tsx scripts/plan-comment.ts plan npx cdktf diff");
  });
});

describe("plan-comment post", () => {
  let github: CommentsServer;
  let environment: Readonly<Record<string, string>>;
  beforeAll(async () => {
    github = await commentsServer({
      base: "/api/v3",
      repository: "octo-org/runners",
      number: 7,
      token: TOKEN,
    });
    environment = {
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: "octo-org/runners",
      GITHUB_TOKEN: TOKEN,
      PR_NUMBER: "7",
    };
  });
  afterAll(() => github.close());

  test("posts what the plan handed on, and replaces it when nothing was", async () => {
    const posted = await run(["post"], { ...environment, PLAN_COMMENT: `${MARKER}\n\`$(id)\`` });
    expect(posted).toMatchObject({ status: 0, stderr: "" });
    expect(posted.stdout).toContain("created: https://github.com/octo-org/runners/pull/7");
    expect(github.comments.map(({ body }) => body)).toEqual([`${MARKER}\n\`$(id)\``]);

    expect((await run(["post"], { ...environment, PLAN_COMMENT: "" })).stdout).toContain("updated");
    expect(github.comments).toHaveLength(1);
    expect(github.comments[0]?.body).toContain("No plan was handed over");
  });

  test.each([
    ["GITHUB_TOKEN", "", /GITHUB_TOKEN: must match.*got nothing/],
    ["GITHUB_TOKEN", "two words", /GITHUB_TOKEN: must match.*got something else/],
    ["PR_NUMBER", "7/../8", /PR_NUMBER: must match.*got "7\/\.\.\/8"/],
    ["GITHUB_REPOSITORY", "octo-org/../x", /GITHUB_REPOSITORY: must match/],
  ])("says what is wrong with %s = %j", async (name, value, message) => {
    const before = github.requests.length;
    const ended = await run(["post"], { ...environment, [name]: value });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(message);
    expect(github.requests).toHaveLength(before);
  });
});
