import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { plainText } from "./plan-comment/plain-text";
import { postComment } from "./plan-comment/post-comment";
import { readPlan } from "./plan-comment/read-plan";
import { redactor } from "./plan-comment/redact";
import { MARKER, renderComment } from "./plan-comment/render";
import { runMain } from "./support/run-main";

const USAGE = `The plan of a pull request as a comment.
  tsx scripts/plan-comment.ts plan npx cdktf diff …   runs the command; the comment becomes the step's output "comment"
  tsx scripts/plan-comment.ts post                    writes PLAN_COMMENT into the comment of pull request PR_NUMBER`;

const { env } = process;

/** Runs the command, shows what it printed without secrets, and hands the comment on. Ends as the command ended. */
async function plan([command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined) throw new Error(USAGE);
  const { output, exitCode } = await run(command, args);
  const text = redactor(env)(plainText(output));
  printLiterally(text);
  const comment = renderComment({
    plan: readPlan(text, exitCode),
    commit: env["PR_HEAD_SHA"],
    runUrl: runUrl(),
  });
  const file = env["GITHUB_OUTPUT"];
  if (file === undefined || file === "") console.log(`\n${comment}`);
  else {
    const end = randomUUID();
    appendFileSync(file, `comment<<${end}\n${comment}\n${end}\n`);
  }
  return exitCode;
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly output: string; readonly exitCode: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    const pieces: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (piece: Buffer) => pieces.push(piece));
    }
    child.once("error", (error) => {
      reject(new Error(`${command} did not start: ${error.message}`));
    });
    child.once("close", (code, signal) => {
      const note = signal === null ? "" : `\n${command} was ended by ${signal}.\n`;
      resolve({ output: Buffer.concat(pieces).toString("utf8") + note, exitCode: code ?? 1 });
    });
  });
}

/** Prints a text in which GitHub Actions is not to read commands.
 *  @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands */
function printLiterally(text: string): void {
  const isRun = env["GITHUB_ACTIONS"] === "true";
  const end = randomUUID();
  if (isRun) console.log(`::stop-commands::${end}`);
  console.log(text);
  if (isRun) console.log(`::${end}::`);
}

function runUrl(): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = env;
  if (server === undefined || repository === undefined || id === undefined) return undefined;
  return `${server}/${repository}/actions/runs/${id}`;
}

async function post(): Promise<number> {
  const given = env["PLAN_COMMENT"] ?? "";
  // GitHub hands no output on in which it finds a secret of the run.
  const nothing = `${MARKER}\n### Terraform plan\n\n**No plan was handed over.** It failed early, or held a secret. Read the [run](${runUrl() ?? ""}).\n`;
  const { done, url } = await postComment({
    apiUrl: env["GITHUB_API_URL"] ?? "https://api.github.com",
    repository: required("GITHUB_REPOSITORY", /^[\w.-]+\/[\w.-]+$/),
    number: Number(required("PR_NUMBER", /^[1-9]\d*$/)),
    token: required("GITHUB_TOKEN", /^\S+$/),
    body: given.startsWith(MARKER) ? given : nothing,
  });
  console.log(`${done}: ${url}`);
  return 0;
}

function required(name: string, form: RegExp): string {
  const value = env[name] ?? "";
  if (!form.test(value)) {
    const isSecret = name.endsWith("TOKEN");
    const got = value === "" ? "nothing" : isSecret ? "something else" : JSON.stringify(value);
    throw new Error(`${name}: must match ${String(form)}, got ${got}; set it in the step's env.`);
  }
  return value;
}

async function main([mode, ...rest]: readonly string[]): Promise<number> {
  if (mode === "plan") return plan(rest);
  if (mode === "post" && rest.length === 0) return post();
  throw new Error(USAGE);
}

runMain(main);
