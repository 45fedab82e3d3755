import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../../constructs/worker-bundle";

/** A deliberate bug of the Worker: a text of its sources put in place of another one. */
export interface Sabotage {
  readonly name: string;
  /** Number of the invariant that must be found violated. */
  readonly invariant: number;
  /** What it does to users. */
  readonly bug: string;
  readonly file: string;
  readonly text: string;
  readonly instead: string;
  /** Faults in which it shows. */
  readonly faults: string;
  /** So many jobs show it. */
  readonly jobs: number;
}

export const SABOTAGES: readonly Sabotage[] = [
  {
    name: "no-replacement",
    invariant: 1,
    bug: "a job gets one runner, and no other when that dies",
    file: "worker/ledger/fragments.ts",
    text: "FROM eligible WHERE turn <= n`",
    instead: "FROM eligible WHERE turn <= n AND next = 1`",
    faults: "runner-death",
    jobs: 60,
  },
  {
    name: "no-retry",
    invariant: 1,
    bug: "a dispatch that failed is never tried again",
    file: "worker/ledger/dispatches.ts",
    text: "next_attempt_at = iif(x.ok, next_attempt_at, x.at)",
    instead: "next_attempt_at = iif(x.ok, next_attempt_at, x.at + 100000000)",
    faults: "nomad-530",
    jobs: 40,
  },
  {
    name: "no-recovery",
    invariant: 1,
    bug: "GitHub is not asked for jobs of which no delivery told",
    file: "worker/recovery.ts",
    text: 'if (policy.recovery === "off" || most < 1) return;',
    instead: "if (most < 1000) return;",
    faults: "delivery-drop",
    jobs: 120,
  },
  {
    name: "token-of-its-own",
    invariant: 2,
    bug: "each attempt has an idempotency token of its own",
    file: "worker/nomad.ts",
    text: "idempotency_token: request.token }",
    instead: "idempotency_token: `${request.token}:${crypto.randomUUID()}` }",
    faults: "nomad-lose",
    jobs: 20,
  },
  {
    name: "two-names",
    invariant: 2,
    bug: "a claim names the ordinal before its own",
    file: "worker/dispatch.ts",
    text: "{ scope, class: className, job: jobId, ordinal, exp }",
    instead: "{ scope, class: className, job: jobId, ordinal: Math.max(1, ordinal - 1), exp }",
    faults: "runner-death",
    jobs: 60,
  },
  {
    name: "grants-all",
    invariant: 3,
    bug: "a claim is granted whether a job waits or not",
    file: "worker/ledger/claims.ts",
    text: "AND (${FOR_A_JOB} OR ${FOR_A_PLACE})",
    instead: "",
    faults: "node-loss,delivery-delay",
    jobs: 40,
  },
  {
    name: "keeps-registrations",
    invariant: 3,
    bug: "the registration of a runner that gives its claim back stays",
    file: "worker/claims.ts",
    text: "const removed = runner.jitTried === 1 ?",
    instead: "const removed = runner.jitTried === 2 ?",
    faults: "runner-death",
    jobs: 60,
  },
  {
    name: "back-to-work",
    invariant: 4,
    bug: "a late in_progress takes a completed job back",
    file: "worker/ledger/jobs.ts",
    text: "runner_name = nullif(:runner, '') WHERE state IN ${OPEN}`",
    instead: "runner_name = nullif(:runner, '') WHERE true`",
    faults: "delivery-delay",
    jobs: 40,
  },
  {
    name: "logs-claims",
    invariant: 5,
    bug: "the Worker logs the claim that it dispatches",
    file: "worker/dispatch.ts",
    text: "  if (one.warm === 1) return poolDispatchBody(",
    instead: "  console.log(claim);\n  if (one.warm === 1) return poolDispatchBody(",
    faults: "none",
    jobs: 10,
  },
  {
    name: "stores-tokens",
    invariant: 5,
    bug: "the ledger's problems quote Nomad's token",
    file: "worker/nomad.ts",
    text: "detail: `no answer: ${answer.reason}`",
    instead: "detail: `no answer to ${nomad.token}: ${answer.reason}`",
    faults: "nomad-refuse",
    jobs: 40,
  },
  {
    name: "no-limit",
    invariant: 6,
    bug: "maxRunnersPerRepository is not looked at when requests are sent",
    file: "worker/ledger/dispatches.ts",
    text: "WHERE NOT t.share OR t.repo IS NULL OR t.nth + coalesce(s.n, 0) <= t.share)",
    instead: "WHERE true)",
    faults: "none",
    jobs: 60,
  },
  {
    name: "lives-on",
    invariant: 6,
    bug: "a runner that gave its claim back still counts as live",
    file: "worker/ledger/releases.ts",
    text: "\"state = 'ended', live = 0, end_reason = 'released', ended_at = :now\"",
    instead: "\"state = 'ended', live = 1, end_reason = 'released', ended_at = :now\"",
    faults: "runner-death",
    jobs: 100,
  },
  {
    name: "any-signature",
    invariant: 7,
    bug: "any well-formed signature will do",
    file: "worker/signature.ts",
    text: "return hmacVerifyAny(secrets, signature, body);",
    instead: "return (await hmacVerifyAny(secrets, signature, body)) || true;",
    faults: "delivery-forged",
    jobs: 40,
  },
  {
    name: "any-repository",
    invariant: 7,
    bug: "a public repository that is not listed gets runners",
    file: "worker/policy.ts",
    text: 'if (!isListed(rules.publicRepositories, fullName)) return { allowed: false, reason: "public_repository" };',
    instead: "",
    faults: "none",
    jobs: 60,
  },
];

const ROOT = join(__dirname, "..", "..");

/**
 * The Worker with a bug in it.
 * @throws Error when the text is not there exactly once: then the sabotage has to be written anew
 */
export function sabotaged({ name, file, text, instead }: Sabotage): string {
  const directory = mkdtempSync(join(tmpdir(), "sabotage-"));
  try {
    for (const room of ["worker", "contracts"])
      cpSync(join(ROOT, room), join(directory, room), { recursive: true });
    const path = join(directory, file);
    const source = readFileSync(path, "utf8");
    const found = source.split(text).length - 1;
    if (found !== 1) {
      throw new Error(
        `sabotage ${name}: its text must be in ${file} once, it is there ${String(found)} times; write it anew`,
      );
    }
    writeFileSync(
      path,
      source.replace(text, () => instead),
    );
    return buildWorker({ entry: join(directory, "worker", "index.ts") }).script;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @throws RangeError that names what is there */
export function findSabotages(name: string): readonly Sabotage[] {
  const found = name === "all" ? SABOTAGES : SABOTAGES.filter((one) => one.name === name);
  if (found.length > 0) return found;
  const names = SABOTAGES.map((one) => one.name).join(", ");
  throw new RangeError(`--sabotage takes all or one of ${names}, got ${JSON.stringify(name)}`);
}
