/** A repository the stand-in knows. */
export interface RepositorySpec {
  /** `owner/name`. */
  readonly fullName: string;
  /** @default true */
  readonly private?: boolean;
  /** Whether the repository is itself a fork. @default false */
  readonly fork?: boolean;
  /** Whether its owner is an organization. @default false */
  readonly organization?: boolean;
  /** Whether it is archived: read-only. @default false */
  readonly archived?: boolean;
  /** @default none */
  readonly topics?: readonly string[];
}

export interface Repository {
  readonly id: number;
  readonly fullName: string;
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly fork: boolean;
  readonly organization: boolean;
  readonly archived: boolean;
  readonly topics: readonly string[];
}

/** An organization's plan, as `GET /orgs/{org}` names it. */
export type Plan = "free" | "team" | "enterprise";

/** A runner group of an organization, beside those that simply exist. */
export interface RunnerGroup {
  readonly id: number;
  readonly organization: string;
  readonly name: string;
  readonly visibility: "all" | "private" | "selected";
  readonly allowsPublicRepositories: boolean;
  readonly restrictedToWorkflows: boolean;
  readonly selectedWorkflows: readonly string[];
  /** Ids of the selected repositories. */
  readonly repositories: readonly number[];
}

export type JobStatus = "waiting" | "queued" | "in_progress" | "completed";
export type Conclusion = "success" | "failure" | "cancelled" | "skipped" | "timed_out";

/** The event that started a workflow run. `head` is the repository the commits come from: another one than the job's
 *  own is a fork; null is a repository that was deleted meanwhile. */
export interface WorkflowRun {
  readonly id: number;
  readonly repository: Repository;
  readonly event: "push" | "pull_request";
  readonly headRepository: string | null;
}

/** A workflow job; mutable, since it is the stand-in's own record of it. */
export interface Job {
  readonly id: number;
  readonly run: WorkflowRun;
  readonly attempt: number;
  readonly name: string;
  readonly labels: readonly string[];
  /** How long the runner works on it when it has no script. */
  readonly runMs: number;
  readonly script: string | null;
  /** What its hook and its step printed. */
  log: string;
  status: JobStatus;
  conclusion: Conclusion | null;
  /** Set from `in_progress` on. */
  runner: { readonly id: number; readonly name: string } | null;
  /** The runner it was given to, which may not have picked it up yet. */
  assignedTo: number | null;
  createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
}

/** A job to queue. */
export interface JobSpec {
  /** `owner/name` of a repository that was added. */
  readonly repository: string;
  readonly labels: readonly string[];
  /** @default "build" */
  readonly name?: string;
  /** Puts the job into a run that exists; a run of its own when left out. */
  readonly runId?: number;
  /** `owner/name` the commits come from; another repository makes the run a fork's pull request.
   *  @default the repository itself */
  readonly headRepository?: string | null;
  /** @default "push", or "pull_request" where the head is another repository */
  readonly event?: "push" | "pull_request";
  /** Whether an environment's approval gate holds it. @default false */
  readonly waiting?: boolean;
  /** @default 50 */
  readonly runMs?: number;
  /** Its one step, run with `sh -e` by the runner. @default none; the job passes the time only */
  readonly script?: string;
}

/** A registered runner. */
export interface Runner {
  readonly id: number;
  readonly name: string;
  /** `owner/name`, or an organization's login. */
  readonly scope: string;
  readonly labels: readonly string[];
  /** A group that is deleted leaves its runners to the default group. */
  groupId: number;
  /** Bearer of the listener's calls. */
  readonly token: string;
  readonly registeredAt: number;
  session: RunnerSession | null;
  jobId: number | null;
}

/** A listener's connection. */
export interface RunnerSession {
  readonly id: string;
  lastSeen: number;
  /** Messages the listener has not fetched yet. */
  readonly queue: RunnerMessage[];
  /** Wakes the long poll that waits. */
  wake: (() => void) | null;
}

export type RunnerMessage =
  { readonly type: "job"; readonly jobId: number } | { readonly type: "cancel"; readonly jobId: number };

/** What the maker of a webhook decides. */
export interface HookConfig {
  readonly url: string;
  readonly secret: string | null;
  readonly events: readonly string[];
  readonly active: boolean;
  readonly contentType: "json" | "form";
  /** "1" takes any certificate. */
  readonly insecureSsl: "0" | "1";
}

/** A webhook. A change replaces it under its id. */
export interface Hook extends HookConfig {
  readonly id: number;
  /** `owner/name`, or an organization's login. */
  readonly target: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What is left at GitHub of a stack: after a destroy, nothing. */
export interface Inventory {
  /** Never with a secret. */
  readonly hooks: readonly Pick<Hook, "id" | "target" | "url" | "events" | "active">[];
  readonly groups: readonly RunnerGroup[];
  readonly runners: readonly RunnerView[];
}

/** One attempt to deliver. */
export interface Delivery {
  readonly id: number;
  /** Shared by an attempt and its redeliveries. */
  readonly guid: string;
  readonly hookId: number;
  readonly deliveredAt: number;
  readonly redelivery: boolean;
  /** Seconds. */
  readonly duration: number;
  /** "OK", or why it failed. */
  readonly status: string;
  /** 502 where nobody was reached, 504 where nothing answered in time. */
  readonly statusCode: number;
  readonly event: string;
  readonly action: string | null;
  readonly repositoryId: number | null;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly payload: string;
  readonly responseBody: string;
  /** Of the workflow job in it, for whoever watches. */
  readonly jobId: number | null;
}

export type GithubEvent =
  | { readonly type: "job.queued" | "job.waiting" | "job.assigned" | "job.requeued"; readonly job: JobView }
  | { readonly type: "job.in_progress" | "job.completed" | "job.cancelled"; readonly job: JobView }
  | { readonly type: "runner.registered" | "runner.online" | "runner.removed"; readonly runner: RunnerView }
  | {
      readonly type: "delivery.sent";
      readonly guid: string;
      readonly event: string;
      readonly jobId: number | null;
    }
  | { readonly type: "delivery.answered"; readonly delivery: Delivery }
  | { readonly type: "delivery.dropped"; readonly event: string; readonly jobId: number | null }
  | { readonly type: "request"; readonly method: string; readonly path: string; readonly status: number };

export interface JobView {
  readonly id: number;
  readonly runId: number;
  readonly repository: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly status: JobStatus;
  readonly conclusion: Conclusion | null;
  readonly runnerName: string | null;
  readonly log: string;
}

export interface RunnerView {
  readonly id: number;
  readonly name: string;
  readonly scope: string;
  readonly groupId: number;
  readonly labels: readonly string[];
  readonly online: boolean;
  readonly busy: boolean;
}

/** What becomes of one delivery of a webhook; the default is one copy at once. */
export interface DeliveryPlan {
  /** Never sent, and not recorded either: what the field calls a missed delivery. */
  readonly drop?: boolean;
  /** Sent so many times, under one GUID. */
  readonly copies?: number;
  readonly delayMs?: number;
  /** Nothing reaches the receiver, and the deliveries API shows the delivery as failed. */
  readonly fail?: boolean;
}

/** An App that may call, and where it is installed. */
export interface AppSpec {
  readonly appId: string;
  /** PEM. */
  readonly publicKey: string;
  /** Logins of the accounts it is installed on. */
  readonly accounts: readonly string[];
  /** What its installation tokens may do besides reading metadata. @default everything */
  readonly permissions?: readonly Permission[];
}

/** `webhooks` makes a repository's hooks, `organization_hooks` an organization's: a token that registers runners has
 *  neither unless it is given them. */
export type Permission =
  | "administration"
  | "webhooks"
  | "organization_hooks"
  | "organization_plan"
  | "actions"
  | "organization_self_hosted_runners";

/** A fine-grained personal access token: one owner. */
export interface TokenSpec {
  readonly token: string;
  readonly owner: string;
  /** What it may do besides reading metadata. @default everything */
  readonly permissions?: readonly Permission[];
}

export interface GithubSettings {
  /** Registrations allowed in 5 minutes, per scope. @default 1500 */
  readonly registrationLimit?: number;
  /** A job that its runner does not pick up goes back to the queue. @default 60000 */
  readonly pickupMs?: number;
  /** An idle runner is removed after it. @default never */
  readonly idleRemovalMs?: number;
  /** A runner that is not connected is removed after it. @default one day */
  readonly offlineRemovalMs?: number;
  /** A listener that has not asked for messages that long is offline. @default 60000 */
  readonly disconnectMs?: number;
  /** A job whose runner is silent that long fails. @default 10 minutes */
  readonly lostRunnerMs?: number;
  /** A receiver that has not answered by then has failed. @default 10000 */
  readonly deliveryTimeoutMs?: number;
  /** Runner groups that exist. @default [1] */
  readonly runnerGroups?: readonly number[];
  /** Plans of organizations by their logins. @default "free" each */
  readonly plans?: Readonly<Record<string, Plan>>;
  /** Where on loopback an origin is served, for deliveries: `https://hooks.example.com` to `http://127.0.0.1:8787`. The
   *  `Host` header stays. What is neither on loopback nor in here is not reached. @default none */
  readonly resolve?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, as GitHub tells the time: in `Date` headers, of tokens, jobs, deliveries and limits. How
   *  long it waits for somebody goes by this machine's clock. @default Date.now */
  readonly clock?: () => number;
}
