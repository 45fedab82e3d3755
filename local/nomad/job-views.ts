import type { Allocation, Child, NomadJob, NomadTask, TaskRun } from "./types";

/** What Nomad tells of a job, as far as anybody here reads it. */
export interface JobStub {
  readonly ID: string;
  readonly ParentID: string;
  readonly Type: "batch" | "service";
  readonly Stop: boolean;
  readonly Status: "pending" | "running" | "dead";
}

interface TaskState {
  readonly State: "pending" | "running" | "dead";
  readonly Failed: boolean;
}

/** A registered job that nothing has been placed of: a parameterized or periodic one runs until it is stopped. */
export function jobStub(job: NomadJob): JobStub {
  return {
    ID: job.id,
    ParentID: "",
    Type: "batch",
    Stop: job.stopped,
    Status: job.stopped ? "dead" : job.parameterized || job.periodic ? "running" : "pending",
  };
}

/** A child's stub. Once it is stopped it is dead, also while its tasks still end: only its allocations tell. */
export function childStub(child: Child): JobStub & Record<string, unknown> {
  return {
    ID: child.id,
    ParentID: child.parent,
    Type: child.parent === "" ? "service" : "batch",
    Stop: child.stopped,
    Status: child.stopped ? "dead" : child.status,
    Meta: child.meta,
    DispatchIdempotencyToken: child.token ?? "",
  };
}

/** An allocation's stub. @see https://github.com/hashicorp/nomad/blob/v2.0.5/nomad/structs/alloc.go (AllocListStub) */
export function allocationStub(child: Child, allocation: Allocation): object {
  const { tasks } = child.job;
  const states = tasks.map((task) => [task.name, taskState(child, task, allocation)] as const);
  return {
    ID: allocation.id,
    JobID: child.id,
    DesiredStatus: child.stopped || allocation.status === "lost" ? "stop" : "run",
    ClientStatus: clientStatus(allocation.status, states),
    TaskStates: Object.fromEntries(states),
  };
}

/** A client says "failed" as soon as a task has failed, while others of the allocation still run.
 *  @see https://github.com/hashicorp/nomad/blob/v2.0.5/client/allocrunner/alloc_runner.go (getClientStatus) */
function clientStatus(
  status: Allocation["status"],
  states: readonly (readonly [string, TaskState])[],
): Allocation["status"] {
  return status === "running" && states.some(([, { Failed }]) => Failed) ? "failed" : status;
}

function taskState(child: Child, task: NomadTask, allocation: Allocation): TaskState {
  const run = allocation.tasks.find(({ name }) => name === task.name);
  const over = allocation.status === "complete" || allocation.status === "failed";
  if (run === undefined) return { State: over ? "dead" : "pending", Failed: false };
  const ended = hasEnded(run);
  const spared = child.stopped && task.lifecycle === "main";
  return { State: ended ? "dead" : "running", Failed: ended && run.exitCode !== 0 && !spared };
}

function hasEnded(run: TaskRun): boolean {
  return run.exitCode !== null || run.signal !== null;
}
