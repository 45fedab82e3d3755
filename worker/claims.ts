import { CLAIM_DELETE_GRACE_SECONDS, type Claim, HOLDER_HEADER } from "../contracts/claim";
import { HOLDER, matches } from "../contracts/patterns";
import type { RunnerClass } from "../contracts/policy";
import type { App } from "./app";
import { bearer, verifyClaim } from "./claim-token";
import type { GithubError, GithubResult } from "./github/client";
import { type TakenClaim, giveBack, recordRegistration, takeClaim } from "./ledger/claims";
import { recordProblems } from "./ledger/problems";
import { type HeldRunner, findHeld, keepForRemoval, release } from "./ledger/releases";
import { log } from "./log";
import type { Outcome } from "./outcome";
import { groupOf } from "./policy";
import { askFence, wantedSize } from "./pools";
import { recordExit } from "./runner-exits";

const TRY_AGAIN_SECONDS = 10;

/** The policy no longer has the class, or the organization, so nobody can say with which labels or in which group to
 *  register: its claim is spent, as above a maximum. */
const NO_CLASS = {
  maxRunners: -1,
  maxRunnersPerRepository: 0,
  pickupDeadlineSeconds: 0,
  idleTimeoutSeconds: 0,
  maxDurationSeconds: 0,
};

/** POST `/runners/claim`: one claim, one registration, and only while a job or a pool's place waits for it. */
export async function postClaim(app: App, headers: Headers): Promise<Outcome> {
  const checked = await verifyClaim(bearer(headers.get("Authorization")), app.config.claimKeys, app.now(), 0);
  if (!checked.ok) return { kind: "claim_refused", reason: checked.reason };
  const { claim } = checked;
  const { policy } = app.config;
  const isRuled = groupOf(policy, claim.scope) !== null;
  const runnerClass = isRuled ? policy.classes.find(({ name }) => name === claim.class) : undefined;
  const size = wantedSize(policy, claim.scope, claim.class, app.now());
  const taken = await takeClaim(app.ledger, claim, holderOf(headers), runnerClass ?? NO_CLASS, size);
  if (taken.outcome === "used") return { kind: "claim_used" };
  if (taken.outcome === "nothing_waits" || runnerClass === undefined) return { kind: "nothing_waits" };
  return register(app, claim, runnerClass, taken.claim);
}

function holderOf(headers: Headers): string | null {
  const holder = headers.get(HOLDER_HEADER);
  return matches(HOLDER, holder) ? holder : null;
}

async function register(
  app: App,
  claim: Claim,
  runnerClass: RunnerClass,
  taken: TakenClaim,
): Promise<Outcome> {
  const made = await makeRegistration(app, claim, runnerClass, taken);
  if (!made.ok) {
    // One that GitHub says is at work has its claim for good; the ledger will hear of its job.
    if (made.error !== "busy") await giveBack(app.ledger, taken, runnerClass.pickupDeadlineSeconds * 1000);
    await recordProblems(app.ledger, "github", new Map([[made.error, made.detail]]));
    log("warn", "jit_refused", { runner: taken.runnerName, error: made.error, detail: made.detail });
    return refusal(made);
  }
  if (await recordRegistration(app.ledger, taken, made.value.runnerId)) {
    const granted = { runner_name: taken.runnerName, encoded_jit_config: made.value.encodedJitConfig };
    return { kind: "claim_granted", granted };
  }
  // Released, or taken anew by a second POST of the same holder: this registration is nobody's.
  await app.github.deleteRunner(claim.scope, made.value.runnerId);
  return { kind: "try_again", retryAfterSeconds: TRY_AGAIN_SECONDS };
}

type Registration = { readonly runnerId: number; readonly encodedJitConfig: string };

/** A registration that already has our name is what a lost answer left: it is deleted once, and made again. */
async function makeRegistration(
  app: App,
  { scope, job }: Claim,
  runnerClass: RunnerClass,
  taken: TakenClaim,
): Promise<GithubResult<Registration>> {
  if (taken.registrationId !== null) {
    const deleted = await app.github.deleteRunner(scope, taken.registrationId);
    if (!deleted.ok) return deleted;
  }
  const fence = job === 0 ? await askFence(app, scope) : null;
  if (fence?.ok === false) return fence;
  const request = {
    name: taken.runnerName,
    labels: runnerClass.labels,
    // A scope without one never comes here.
    runnerGroupId: groupOf(app.config.policy, scope) ?? 1,
  };
  const made = await app.github.generateJitConfig(scope, request);
  if (made.ok || made.error !== "conflict") return made;
  const deleted = await deleteByName(app, scope, taken.runnerName);
  return deleted.ok ? app.github.generateJitConfig(scope, request) : deleted;
}

async function deleteByName(app: App, scope: string, name: string): Promise<GithubResult<null>> {
  const found = await app.github.findRunner(scope, name);
  if (!found.ok) return found;
  return found.value === null ? { ok: true, value: null } : app.github.deleteRunner(scope, found.value.id);
}

function refusal(error: GithubError): Outcome {
  switch (error.error) {
    case "busy":
      return { kind: "claim_used" };
    case "refused":
    case "not_found":
      return { kind: "github_refused" };
    case "rate_limited":
    case "unavailable":
    case "conflict":
      return { kind: "try_again", retryAfterSeconds: error.retryAfterSeconds ?? TRY_AGAIN_SECONDS };
  }
}

/** DELETE `/runners/claim`: the runner is over. Idempotent, and good for five days after the claim's end. How it ended
 *  is counted by the one request that ends it, so a repeated one counts nothing. */
export async function deleteClaim(app: App, headers: Headers): Promise<Outcome> {
  const text = bearer(headers.get("Authorization"));
  const checked = await verifyClaim(text, app.config.claimKeys, app.now(), CLAIM_DELETE_GRACE_SECONDS);
  if (!checked.ok) return { kind: "claim_refused", reason: checked.reason };
  const holder = holderOf(headers);
  // A claim taken, or a job begun, while GitHub is asked changes the row: then it is read again, a few times.
  for (let round = 0; round < 3; round++) {
    const runner = await findHeld(app.ledger, checked.claim);
    if (runner === null || runner.state === "ended") return { kind: "released" };
    if (holder !== null && runner.holder !== null && runner.holder !== holder) return { kind: "released" };
    const done = await end(app, checked.claim.scope, runner);
    if (done?.kind === "released" && runner.state !== "removing")
      await recordExit(app.ledger, { class: checked.claim.class, name: runner.name }, headers);
    if (done !== null) return done;
  }
  return { kind: "try_again", retryAfterSeconds: TRY_AGAIN_SECONDS };
}

async function end(app: App, scope: string, runner: HeldRunner): Promise<Outcome | null> {
  const removed = runner.jitTried === 1 ? await removeRegistration(app, scope, runner) : null;
  if (removed === null || removed.ok)
    return (await release(app.ledger, runner)) ? { kind: "released" } : null;
  if (removed.error === "busy")
    return (await keepForRemoval(app.ledger, runner)) ? { kind: "released" } : null;
  await recordProblems(app.ledger, "github", new Map([[removed.error, removed.detail]]));
  return { kind: "try_again", retryAfterSeconds: removed.retryAfterSeconds ?? TRY_AGAIN_SECONDS };
}

async function removeRegistration(app: App, scope: string, runner: HeldRunner): Promise<GithubResult<null>> {
  return runner.registrationId === null
    ? deleteByName(app, scope, runner.name)
    : app.github.deleteRunner(scope, runner.registrationId);
}
