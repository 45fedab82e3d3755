import { parseArgs } from "node:util";
import { REPOSITORY_FULL_NAME } from "../contracts/patterns";
import { readConnection } from "./pause/connection";
import { OperatorClient } from "./pause/operator-client";
import { runMain } from "./support/run-main";

const USAGE = `npm run pause  [-- OWNER/NAME] [--stack NAME]    dispatch nothing for that repository, or for any
npm run resume [-- OWNER/NAME] [--stack NAME]    go on: what waits is dispatched at once, in order of arrival

Jobs are recorded and wait meanwhile; runners at work go on. A pause lasts until it is ended, over deploys, too. That of
everything and those of repositories are apart: each is ended by itself.

RUNNERS_URL and STATUS_TOKEN say which Worker, and that you may. What is not set is read from the outputs of the stack
in cdktf.out/stacks (terraform output, or what TERRAFORM_BINARY_NAME names); --stack says which, where there are several.`;

interface CommandLine {
  readonly what: "pause" | "resume";
  /** `owner/name`; null is everything. */
  readonly repo: string | null;
  readonly stack: string | undefined;
}

async function main(words: readonly string[]): Promise<number> {
  if (words.some((word) => word === "--help" || word === "-h")) {
    console.log(USAGE);
    return 0;
  }
  const { what, repo, stack } = readCommandLine(words);
  const client = new OperatorClient(readConnection(process.env, "cdktf.out/stacks", stack));
  await client.change(what, repo);
  const paused = await client.paused();
  console.log(`${what === "pause" ? "Paused" : "Resumed"}: ${repo ?? "everything"}.`);
  const lines = paused.map((one) => `  ${one.repo === "*" ? "everything" : one.repo} since ${one.since}`);
  console.log(lines.length === 0 ? "Nothing is paused now." : ["Paused now:", ...lines].join("\n"));
  return 0;
}

/** The first word is put there by `npm run`. */
function readCommandLine(words: readonly string[]): CommandLine {
  const { values, positionals } = parsed(words);
  const [what, repo = null, ...rest] = positionals;
  if ((what !== "pause" && what !== "resume") || rest.length > 0)
    throw new Error(`one repository or none is taken, got ${positionals.slice(1).join(" ")}\n\n${USAGE}`);
  if (repo !== null && !REPOSITORY_FULL_NAME.test(repo))
    throw new Error(
      `a repository must be written owner/name, got ${JSON.stringify(repo.slice(0, 200))}\n\n${USAGE}`,
    );
  return { what, repo, stack: values.stack };
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { stack: { type: "string" } },
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

runMain(main);
