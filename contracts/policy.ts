/** One kind of runner: what it is called at GitHub, and which parameterized Nomad job starts it. */
export interface RunnerClass {
  /** Short name, part of runner names. */
  readonly name: string;
  /** Id of the parameterized Nomad job. */
  readonly job: string;
  /** Labels the runner registers with, in the order given; a job fits when these cover all of its own. */
  readonly labels: readonly string[];
  /** Most runners of this class at once, over all scopes; 0 = no limit. */
  readonly maxRunners: number;
  /** Most runners of this class at once for the jobs of one repository; 0 = no limit. */
  readonly maxRunnersPerRepository: number;
  /** Seconds a dispatched runner may take until it claims; then another one is asked for. */
  readonly pickupDeadlineSeconds: number;
  /** Seconds a runner waits for a job before it leaves. */
  readonly idleTimeoutSeconds: number;
  /** Seconds after which the runner script ends a job. */
  readonly maxDurationSeconds: number;
}

/** A kind of place where runners register, and whose jobs they take there. */
export interface RunnerScope {
  /** At each repository, or at the organization that owns it. */
  readonly scope: "repository" | "organization";
  /** `owner/name` patterns, `*` within a segment, case-insensitive. */
  readonly repositories: readonly string[];
  /** Public repositories that get runners all the same; same patterns. */
  readonly publicRepositories: readonly string[];
  /** Whether a public repository's pull request from a fork gets a runner. */
  readonly forkPullRequests: "refuse" | "allow";
  /** Whether a job must name `self-hosted`. */
  readonly requireSelfHostedLabel: boolean;
  /** Runner group of an organization; 1 is the default group. */
  readonly runnerGroupId: number;
}

/** Runners of one class kept ready in one scope, each used once. */
export interface RunnerPool {
  /** `owner/name`, or the organization's login in organization scope. */
  readonly scope: string;
  /** Name of the runner class. */
  readonly class: string;
  /** How many are idle or starting at any time. Of several open pools of one scope and class the largest counts. */
  readonly size: number;
  /** Minutes in which the pool is kept, as five cron fields (minute, hour, day of month, month, day of week): numbers,
   *  `*`, lists, ranges, steps. null: always. */
  readonly window: string | null;
  /** IANA name of the time zone that `window` is read in. */
  readonly timeZone: string;
}

/** What the Worker does about registrations at GitHub that the ledger does not know, and the other way round: `report`
 *  only shows them in `/status`. */
export type CleanUp = "delete" | "report" | "off";

/** Whether the Worker asks GitHub for queued jobs of which no delivery ever told. */
export type Recovery = "on" | "off";

/** Whether the Worker asks GitHub to repeat deliveries that failed. */
export type Redelivery = "on" | "off";

/** `RUNNER_POLICY`: who gets a runner. Patterns, because a Worker variable holds 5 KB and 167 names do not fit; the
 *  hook with its secret is the selection of repositories, this only narrows it. */
export interface RunnerPolicy {
  /** At least one. The first whose patterns name a repository rules it. In the JSON a single one stands at the top level,
   *  several in a list `scopes`. */
  readonly scopes: readonly RunnerScope[];
  /** Tried in order after exact matches. */
  readonly classes: readonly RunnerClass[];
  readonly pools: readonly RunnerPool[];
  readonly cleanUp: CleanUp;
  readonly recovery: Recovery;
  readonly redelivery: Redelivery;
}

/** A policy as it is written where there is one scope: what is left out has its default. */
export type WrittenPolicy = Partial<RunnerScope & Omit<RunnerPolicy, "scopes" | "classes">> &
  Pick<RunnerPolicy, "classes">;

/** GitHub's and our own bounds on a class's numbers, inclusive. `maxDurationSeconds`: a self-hosted job may run 5 days.
 *  @see https://docs.github.com/actions/reference/limits */
export const CLASS_BOUNDS = {
  maxRunners: { min: 0, max: 10_000, default: 0 },
  maxRunnersPerRepository: { min: 0, max: 10_000, default: 0 },
  pickupDeadlineSeconds: { min: 1, max: 86_400, default: 300 },
  idleTimeoutSeconds: { min: 1, max: 86_400, default: 300 },
  maxDurationSeconds: { min: 1, max: 432_000, default: 21_600 },
} as const;

/** A runner registers with 1 to 100 labels; every other list is held to the same.
 *  @see https://docs.github.com/rest/actions/self-hosted-runners (generate-jitconfig) */
export const MAX_LABELS = 100;

/** Bytes of the policy's JSON: Cloudflare's limit on one variable. */
export const MAX_POLICY_BYTES = 5_000;

/** Most runners of all pools together. GitHub takes 1,500 registrations in 5 minutes per repository or organization, and
 *  removes an idle runner after some minutes, so each place costs a registration every few minutes.
 *  @see https://docs.github.com/actions/reference/limits */
export const MAX_POOL_RUNNERS = 100;

/** The name of a time zone, such as `Europe/Berlin`. */
export const TIME_ZONE = /^[A-Za-z][A-Za-z0-9+_-]*(?:\/[A-Za-z0-9+_-]+){0,2}$/;
