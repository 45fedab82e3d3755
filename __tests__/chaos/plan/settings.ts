import type { RunnerClass, RunnerPolicy, RunnerScope } from "../../../contracts/policy";
import type { RepositorySpec } from "../../../local/github/types";

const CLASS = {
  maxRunners: 0,
  maxRunnersPerRepository: 0,
  pickupDeadlineSeconds: 300,
  idleTimeoutSeconds: 120,
  maxDurationSeconds: 3_600,
} as const;

const LINUX: RunnerClass = {
  ...CLASS,
  name: "linux",
  job: "github-runner-linux",
  labels: ["self-hosted", "linux", "x64"],
};
/** Of these there are never more than six. */
const SMALL: RunnerClass = {
  ...CLASS,
  name: "small",
  job: "github-runner-small",
  labels: ["self-hosted", "linux", "small"],
  pickupDeadlineSeconds: 120,
  maxRunners: 6,
};
/** Of these a repository never has more than two. */
const SHARED: RunnerClass = {
  ...CLASS,
  name: "shared",
  job: "github-runner-shared",
  labels: ["self-hosted", "linux", "gpu"],
  idleTimeoutSeconds: 60,
  maxRunnersPerRepository: 2,
};

const REPOSITORIES: RunnerScope = {
  scope: "repository",
  repositories: ["octo-org/*"],
  publicRepositories: ["octo-org/open-*"],
  forkPullRequests: "refuse",
  requireSelfHostedLabel: true,
  runnerGroupId: 1,
};
const ORGANIZATION: RunnerScope = {
  ...REPOSITORIES,
  scope: "organization",
  repositories: ["mega-org/*"],
  publicRepositories: [],
};

/** What the Worker is told of scopes, classes and pools. */
export type ChaosPolicy = Pick<RunnerPolicy, "scopes" | "classes" | "pools" | "cleanUp">;

export const POLICY: ChaosPolicy = {
  scopes: [REPOSITORIES, ORGANIZATION],
  classes: [LINUX, SMALL, SHARED],
  pools: [
    { scope: "octo-org/app", class: "linux", size: 2, window: null, timeZone: "UTC" },
    { scope: "mega-org", class: "linux", size: 1, window: null, timeZone: "UTC" },
  ],
  cleanUp: "delete",
};

/** Private ones of a repository's scope and of the organization's. */
export const PRIVATE = ["octo-org/app", "octo-org/api", "octo-org/web", "mega-org/one", "mega-org/two"];
/** Public and listed as such: its forks get nothing. */
export const LISTED = "octo-org/open-library";
export const FORK = "stranger/open-library";
/** Public and not listed. */
export const UNLISTED = "octo-org/leaked";
/** Not in the policy, with a hook of ours all the same. */
export const OUTSIDE = "other-org/tool";

export const REPOSITORY_SPECS: readonly RepositorySpec[] = [
  ...PRIVATE.map((fullName) => ({ fullName, organization: fullName.startsWith("mega-org/") })),
  { fullName: LISTED, private: false },
  { fullName: FORK, private: false, fork: true },
  { fullName: UNLISTED, private: false },
  { fullName: OUTSIDE },
];

/** Where hooks are. */
export const HOOK_TARGETS = [
  ...PRIVATE.filter((name) => name.startsWith("octo-org/")),
  LISTED,
  UNLISTED,
  OUTSIDE,
  "mega-org",
];

/** Where a repository's runners register: at itself, or at its organization. */
export function scopeOf(repository: string): string {
  return repository.startsWith("mega-org/") ? "mega-org" : repository;
}
