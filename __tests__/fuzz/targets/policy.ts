import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { parsePolicy } from "../../../contracts/parse-policy";
import type { RunnerClass, RunnerPolicy, RunnerScope } from "../../../contracts/policy";
import type { WorkflowJobEvent } from "../../../worker/event";
import { decide, groupOf, rulesOf } from "../../../worker/policy";
import { selectClass } from "../../../worker/select-class";
import type { Target } from "../engine";
import { type Json, recordOf, textOf } from "../json";
import {
  isClassName,
  isFullName,
  isLabel,
  isNomadJob,
  isOwner,
  isRepositoryPattern,
  isWhole,
  must,
} from "./shapes";
import { reread, written } from "./written-policy";

function check(raw: Json): void {
  const given = recordOf(raw);
  const value = given["policy"] ?? null;
  const parsed = parsePolicy(value);
  if (typeof value !== "string")
    must(isDeepStrictEqual(parsePolicy(JSON.stringify(value)), parsed), "reads a policy and its text alike");
  if (!parsed.ok) {
    must(
      parsed.problems.length > 0 && parsed.problems.every((one) => /^\S.*: ./s.test(one)),
      "says what is wrong, and where",
    );
    return;
  }
  const { policy } = parsed;
  mustFit(policy);
  must(
    isDeepStrictEqual(policy, reread(value)),
    "reads what the JSON says, and the closed default elsewhere",
  );
  mustStay(policy);
  mustDecide(policy, given);
}

/** Written anew it means the same, where it still fits into a variable. */
function mustStay(policy: RunnerPolicy): void {
  const text = JSON.stringify(written(policy));
  if (Buffer.byteLength(text) > 5_000) return;
  const again = parsePolicy(text);
  must(again.ok && isDeepStrictEqual(again.policy, policy), "means the same when it is written anew");
}

function mustFit({ scopes, classes, pools, cleanUp, recovery, redelivery }: RunnerPolicy): void {
  must(scopes.length > 0 && classes.length > 0, "has a scope and a class");
  must(["delete", "report", "off"].includes(cleanUp), "has a clean-up that is known");
  must(/^(?:on|off) (?:on|off)$/.test(`${recovery} ${redelivery}`), "has switches that are on or off");
  for (const scope of scopes) {
    must(scope.repositories.length > 0, "names repositories");
    must(
      [...scope.repositories, ...scope.publicRepositories].every(isRepositoryPattern),
      "takes patterns by their shape",
    );
    must(["repository", "organization"].includes(scope.scope), "has a scope that is known");
    must(["refuse", "allow"].includes(scope.forkPullRequests), "has a rule for forks that is known");
    must(isWhole(scope.runnerGroupId, 1), "has a runner group");
  }
  must(new Set(classes.map(({ name }) => name)).size === classes.length, "gives a name to one class");
  for (const one of classes) {
    must(isClassName(one.name) && isNomadJob(one.job), "takes names by their shape");
    must(
      one.labels.length > 0 && one.labels.length <= 100 && one.labels.every(isLabel),
      "takes labels by their shape",
    );
    must(
      isWhole(one.maxRunners, 0, 10_000) && isWhole(one.maxRunnersPerRepository, 0, 10_000),
      "bounds limits",
    );
    must(isWhole(one.pickupDeadlineSeconds, 1, 86_400), "bounds the pickup deadline");
    must(isWhole(one.idleTimeoutSeconds, 1, 86_400), "bounds the idle timeout");
    must(isWhole(one.maxDurationSeconds, 1, 432_000), "bounds the duration");
  }
  must(pools.reduce((sum, { size }) => sum + size, 0) <= 100, "bounds the pools");
  for (const pool of pools) {
    must(
      isWhole(pool.size, 1) && (isFullName(pool.scope) || isOwner(pool.scope)),
      "takes pools by their shape",
    );
    must(
      classes.some(({ name }) => name === pool.class),
      "has pools of its own classes",
    );
  }
}

function mustDecide(policy: RunnerPolicy, given: ReturnType<typeof recordOf>): void {
  const fullName = textOf(given["repository"]);
  if (!isFullName(fullName)) return;
  const organization = isOwner(given["organization"]) ? given["organization"] : null;
  const owner = fullName.split("/", 1)[0] ?? "";
  const labels = (Array.isArray(given["labels"]) ? (given["labels"] as readonly Json[]) : []).filter(isLabel);
  const event: WorkflowJobEvent = {
    ...{
      delivery: "0",
      action: "queued",
      jobId: 1,
      runId: 1,
      name: "_",
      labels,
      conclusion: null,
      runnerName: null,
    },
    repository: { fullName, owner, private: given["private"] === true, fork: false },
    organization,
  };
  const rules = rulesOf(policy, fullName);
  must(
    rules === (policy.scopes.find((one) => lists(one.repositories, fullName)) ?? policy.scopes[0]),
    "takes the first scope",
  );
  const decision = decide(rules, event);
  must(
    isDeepStrictEqual(decision, expectedDecision(rules, event)),
    "gives runners to whom the policy lists, and to nobody else",
  );
  // A repository has no groups.
  if (decision.allowed && rules.scope === "organization")
    must(
      groupOf(policy, decision.scope) === rules.runnerGroupId,
      "registers in the group of the scope that rules",
    );
  const chosen = selectClass(rules, policy.classes, labels);
  must(
    (chosen.fits ? chosen.runnerClass : null) === expectedClass(rules, policy.classes, labels),
    "chooses the class",
  );
}

function lists(globs: readonly string[], fullName: string): boolean {
  return globs.some((glob) => fitsGlob(glob, fullName));
}

/** Whether a text fits a glob in which `*` is any run of characters but `/`: every way to read it, one character on. */
function fitsGlob(glob: string, text: string): boolean {
  let places = new Set([0]);
  for (const one of glob.toLowerCase()) {
    const next = new Set<number>();
    for (const at of places) {
      if (one !== "*" && text.charAt(at).toLowerCase() === one) next.add(at + 1);
      if (one !== "*") continue;
      for (let to = at; to === at || (to <= text.length && text.charAt(to - 1) !== "/"); to++) next.add(to);
    }
    places = next;
  }
  return places.has(text.length);
}

function expectedDecision(
  rules: RunnerScope,
  { repository, organization }: WorkflowJobEvent,
): ReturnType<typeof decide> {
  const { fullName } = repository;
  const owner = repository.owner.toLowerCase();
  const first = rules.repositories[0]?.split("/", 1)[0] ?? "";
  const registersAt = rules.scope === "repository" ? fullName : first.includes("*") ? organization : first;
  if (rules.scope === "organization") {
    const named = [registersAt, organization ?? registersAt];
    if (named.some((one) => one?.toLowerCase() !== owner)) return { allowed: false, reason: "other_owner" };
  }
  if (!lists(rules.repositories, fullName)) return { allowed: false, reason: "repository_not_allowed" };
  const open = !repository.private;
  if (open && !lists(rules.publicRepositories, fullName))
    return { allowed: false, reason: "public_repository" };
  return { allowed: true, scope: registersAt ?? "", forkCheck: open && rules.forkPullRequests === "refuse" };
}

/** The first class with exactly the job's labels, else the first with all of them and more. */
function expectedClass(
  rules: RunnerScope,
  classes: readonly RunnerClass[],
  labels: readonly string[],
): RunnerClass | null {
  const small = (all: readonly string[]) => [...new Set(all.map((one) => one.toLowerCase()))].sort();
  const wanted = small(labels);
  if (wanted.length === 0 || (rules.requireSelfHostedLabel && !wanted.includes("self-hosted"))) return null;
  const fitting = classes.filter((one) => wanted.every((label) => small(one.labels).includes(label)));
  return fitting.find((one) => small(one.labels).length === wanted.length) ?? fitting[0] ?? null;
}

const owner = fc.constantFrom("octo-org", "Octo-Org", "octo", "me");
const name = fc.constantFrom("example", "Example", "public-one", "tool", "a.b", "a-b", "aXa", "aa");
const ownerGlob = fc.constantFrom("octo-org", "OCTO-ORG", "octo*", "*", "m*e", "*o*", "**");
const nameGlob = fc.constantFrom("*", "example", "public-*", "*a*a*", "t*l", "a*a", "*.b", "EXAMPLE");
const globs = fc.array(
  fc.tuple(ownerGlob, nameGlob).map(([left, right]) => `${left}/${right}`),
  { minLength: 1, maxLength: 3 },
);
const labels = fc.array(fc.constantFrom("self-hosted", "linux", "LINUX", "x64", "gpu"), { maxLength: 4 });

const scope = fc.record(
  {
    scope: fc.constantFrom("repository", "organization"),
    repositories: globs,
    publicRepositories: globs,
    forkPullRequests: fc.constantFrom("refuse", "allow"),
    requireSelfHostedLabel: fc.boolean(),
    runnerGroupId: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: ["repositories"] },
);

const rest = {
  classes: fc.uniqueArray(
    fc.record(
      {
        name: fc.constantFrom("linux", "gpu", "a", "a-1"),
        job: fc.constantFrom("github-runner-linux", "Runner.2"),
        labels: labels.filter((one) => one.length > 0),
        maxRunners: fc.nat(10_001),
        pickupDeadlineSeconds: fc.nat(86_401),
        idleTimeoutSeconds: fc.integer({ min: 1, max: 9 }),
      },
      { requiredKeys: ["name", "job", "labels"] },
    ),
    { minLength: 1, maxLength: 3, selector: (one) => one.name },
  ),
  pools: fc.array(
    fc.record(
      {
        scope: fc.constantFrom("octo-org", "octo-org/example"),
        class: fc.constantFrom("linux", "gpu"),
        size: fc.integer({ min: 1, max: 60 }),
        window: fc.constantFrom(null, "* 8-17 * * 1-5", "*/5 * * * *", "60 * * * *"),
        timeZone: fc.constantFrom("UTC", "Europe/Berlin"),
      },
      { requiredKeys: ["scope", "class"] },
    ),
    { maxLength: 2 },
  ),
  cleanUp: fc.constantFrom("delete", "report", "off"),
  recovery: fc.constantFrom("on", "off"),
  redelivery: fc.constantFrom("on", "off"),
};

const policies = fc.oneof(
  fc
    .tuple(scope, fc.record(rest, { requiredKeys: ["classes"] }))
    .map(([one, others]) => ({ ...one, ...others })),
  fc.record(
    { scopes: fc.array(scope, { minLength: 1, maxLength: 3 }), ...rest },
    { requiredKeys: ["scopes", "classes"] },
  ),
);

/** `RUNNER_POLICY`, and what it says of a job. */
export const policy: Target = {
  name: "policy",
  inputs: fc.record({
    policy: fc.oneof(
      policies,
      policies.map((one) => JSON.stringify(one)),
    ),
    repository: fc.tuple(owner, name).map(([left, right]) => `${left}/${right}`),
    private: fc.boolean(),
    organization: fc.option(owner),
    labels,
  }) as fc.Arbitrary<Json>,
  seeds: () => [],
  check,
};
