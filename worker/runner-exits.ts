import { EXIT_HEADER } from "../contracts/claim";
import { EXIT_CODE, matches } from "../contracts/patterns";
import type { LedgerContext } from "./ledger/context";
import { recordProblems } from "./ledger/problems";
import { log } from "./log";

/** How a runner ended, where an operator has something to do about it: what happened, and what to do. */
interface Failure {
  readonly kind: string;
  readonly text: string;
}

const MISCONFIGURED = {
  kind: "misconfigured",
  text: "the class's job cannot start a runner: read the allocation's log",
};
const LISTENER = {
  kind: "listener_failed",
  text: "GitHub's listener gave up: read the allocation's log",
};

/** By exit code of jobs/start-runner.sh, which lists them all. Those that are not here are no fault of the cluster's (a
 *  job ran, nothing waited, nobody came, it was stopped), or are counted where they arise (13: GitHub refused). */
const FAILURES: Readonly<Record<string, Failure>> = {
  10: MISCONFIGURED,
  11: MISCONFIGURED,
  14: {
    kind: "worker_unreachable",
    text: "this Worker did not answer the claim: can the nodes reach its URL?",
  },
  15: { kind: "worker_unreachable", text: "something else answered the claim: is PUBLIC_URL this Worker's?" },
  16: { kind: "no_docker", text: "the private Docker daemon was not ready: read the log of its task" },
  31: { kind: "jit_refused", text: "GitHub refused the runner's registration: is the node's clock right?" },
  32: LISTENER,
  33: LISTENER,
  34: LISTENER,
  35: LISTENER,
  37: { kind: "version_refused", text: "GitHub takes no runner of this version any more: renew the image" },
  39: LISTENER,
  137: { kind: "killed", text: "killed without a word: out of memory? Raise the class's memory" },
};

/**
 * Counts how a runner ended, if an operator should know. The word is the node's and no more than a hint: workflow code
 * that has the runner's user can forge it, and buys one line of `/status` with it.
 * @param runner the class and name that the ledger has
 */
export async function recordExit(
  ledger: LedgerContext,
  runner: { readonly class: string; readonly name: string },
  headers: Headers,
): Promise<void> {
  const code = headers.get(EXIT_HEADER);
  const failure = matches(EXIT_CODE, code) ? FAILURES[code] : undefined;
  if (failure === undefined || code === null) return;
  const detail = `class ${runner.class}, exit ${code}: ${failure.text}`;
  await recordProblems(ledger, "runner", new Map([[failure.kind, detail]]));
  log("warn", "runner_failed", { runner: runner.name, class: runner.class, error: failure.kind, detail });
}
