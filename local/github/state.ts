import { randomUUID } from "node:crypto";
import { EventLog } from "../event-log";
import type {
  Delivery,
  GithubEvent,
  GithubSettings,
  Hook,
  Job,
  JobView,
  Plan,
  Repository,
  RepositorySpec,
  Runner,
  RunnerGroup,
  RunnerView,
  WorkflowRun,
} from "./types";

const MINUTE_MS = 60_000;

/** GitHub's own figures, where it has published any.
 *  @see https://docs.github.com/actions/reference/runners/self-hosted-runners */
export const DEFAULT_SETTINGS: Required<GithubSettings> = {
  registrationLimit: 1_500,
  pickupMs: MINUTE_MS,
  idleRemovalMs: Number.POSITIVE_INFINITY,
  offlineRemovalMs: 24 * 60 * MINUTE_MS,
  disconnectMs: MINUTE_MS,
  lostRunnerMs: 10 * MINUTE_MS,
  deliveryTimeoutMs: 10_000,
  runnerGroups: [1],
  plans: {},
  resolve: {},
  clock: () => Date.now(),
};

/** Everything the stand-in remembers, and the ids it gives out. */
export class GithubState {
  readonly events = new EventLog<GithubEvent>();
  readonly repositories = new Map<string, Repository>();
  readonly runs = new Map<number, WorkflowRun>();
  readonly jobs = new Map<number, Job>();
  readonly runners = new Map<number, Runner>();
  readonly hooks = new Map<number, Hook>();
  readonly groups = new Map<number, RunnerGroup>();
  readonly deliveries: Delivery[] = [];
  /** Times of registrations per scope, for the limit of 5 minutes. */
  readonly registrations = new Map<string, number[]>();
  readonly settings: Required<GithubSettings>;
  /** By the login in lower case. */
  readonly #plans = new Map<string, Plan>();
  /** Ids of today's jobs and runs no longer fit 32 bits, so these do not either. */
  #nextId = 52_000_000_000;
  #nextSmallId = 1;

  constructor(settings: GithubSettings) {
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
    for (const [login, plan] of Object.entries(this.settings.plans)) this.setPlan(login, plan);
  }

  /** An id of a job, a run or a delivery. */
  id(): number {
    this.#nextId += 1;
    return this.#nextId;
  }

  /** An id of a runner, a hook or a repository. */
  smallId(): number {
    this.#nextSmallId += 1;
    return this.#nextSmallId;
  }

  addRepository(spec: RepositorySpec): Repository {
    const [owner, name, ...rest] = spec.fullName.split("/");
    if (owner === undefined || name === undefined || rest.length > 0 || owner === "" || name === "") {
      throw new Error(`a repository is named owner/name, got ${JSON.stringify(spec.fullName)}`);
    }
    const repository: Repository = {
      id: this.smallId(),
      fullName: spec.fullName,
      owner,
      name,
      private: spec.private ?? true,
      fork: spec.fork ?? false,
      organization: spec.organization ?? false,
      archived: spec.archived ?? false,
      topics: spec.topics ?? [],
    };
    this.repositories.set(spec.fullName.toLowerCase(), repository);
    return repository;
  }

  repository(fullName: string): Repository | undefined {
    return this.repositories.get(fullName.toLowerCase());
  }

  /** Makes everything that happened so much longer ago, as GitHub tells it. Who waits for whom is left alone. */
  age(ms: number): void {
    for (const job of this.jobs.values()) {
      job.createdAt -= ms;
      if (job.startedAt !== null) job.startedAt -= ms;
      if (job.completedAt !== null) job.completedAt -= ms;
    }
    for (const [index, delivery] of this.deliveries.entries()) {
      this.deliveries[index] = { ...delivery, deliveredAt: delivery.deliveredAt - ms };
    }
    for (const [scope, times] of this.registrations) {
      this.registrations.set(
        scope,
        times.map((at) => at - ms),
      );
    }
  }

  /** Whether an owner is an organization here. */
  isOrganization(login: string): boolean {
    return [...this.repositories.values()].some(
      (it) => it.organization && it.owner.toLowerCase() === login.toLowerCase(),
    );
  }

  /** The plan of an organization. */
  plan(login: string): Plan {
    return this.#plans.get(login.toLowerCase()) ?? "free";
  }

  setPlan(login: string, plan: Plan): void {
    this.#plans.set(login.toLowerCase(), plan);
  }

  /** Whether runners of a scope can register in a group. */
  hasGroup(scope: string, groupId: number): boolean {
    const group = this.groups.get(groupId);
    if (group === undefined) return this.settings.runnerGroups.includes(groupId);
    return group.organization.toLowerCase() === scope.toLowerCase();
  }

  /** Whether a group's runners take jobs of a repository. */
  admits(groupId: number, repository: Repository): boolean {
    const group = this.groups.get(groupId);
    if (group === undefined) return true;
    if (!repository.private && !group.allowsPublicRepositories) return false;
    if (group.visibility === "selected") return group.repositories.includes(repository.id);
    return group.visibility === "all" || repository.private;
  }

  /** Whether there is an account of that login: one that owns a repository. */
  isAccount(login: string): boolean {
    return [...this.repositories.values()].some((it) => it.owner.toLowerCase() === login.toLowerCase());
  }

  addRunner(scope: string, name: string, labels: readonly string[], groupId: number): Runner {
    const runner: Runner = {
      id: this.smallId(),
      name,
      scope,
      labels,
      groupId,
      token: randomUUID(),
      registeredAt: Date.now(),
      session: null,
      jobId: null,
    };
    this.runners.set(runner.id, runner);
    this.events.emit({ type: "runner.registered", runner: runnerView(runner) });
    return runner;
  }

  removeRunner(runner: Runner): void {
    if (!this.runners.delete(runner.id)) return;
    runner.session?.wake?.();
    this.events.emit({ type: "runner.removed", runner: runnerView(runner) });
  }

  runnersOf(scope: string): Runner[] {
    return [...this.runners.values()].filter((it) => it.scope.toLowerCase() === scope.toLowerCase());
  }
}

export function jobView(job: Job): JobView {
  return {
    id: job.id,
    runId: job.run.id,
    repository: job.run.repository.fullName,
    name: job.name,
    labels: job.labels,
    status: job.status,
    conclusion: job.conclusion,
    runnerName: job.runner?.name ?? null,
    log: job.log,
  };
}

export function runnerView(runner: Runner): RunnerView {
  return {
    id: runner.id,
    name: runner.name,
    scope: runner.scope,
    groupId: runner.groupId,
    labels: runner.labels,
    online: runner.session !== null,
    busy: runner.jobId !== null,
  };
}
