/** A parameterized job's rules for a dispatch. */
export interface DispatchRules {
  readonly payload: "optional" | "required" | "forbidden";
  readonly metaRequired: readonly string[];
  readonly metaOptional: readonly string[];
}

/** A registered job, as far as the stand-in runs it. */
export interface NomadJob {
  readonly id: string;
  /** null: a job that cannot be dispatched. */
  readonly parameterized: DispatchRules | null;
  /** Whether its children come by a schedule. Here they come when {@link NomadStandIn.launch} says so. */
  readonly periodic?: boolean;
  readonly stopped: boolean;
  /**
   * Main task first; the poststop ones after it. Without tasks a child stays pending for ever. A job that cannot be
   * dispatched runs its tasks at once, as a service does.
   */
  readonly tasks: readonly NomadTask[];
}

export interface NomadTask {
  readonly name: string;
  readonly lifecycle: "main" | "poststop";
  readonly command: string;
  /** May hold `${NOMAD_…}`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Path under the task's `local/`, or null. */
  readonly payloadFile: string | null;
  readonly templates: readonly NomadTemplate[];
  readonly killSignal: NodeJS.Signals;
  readonly killTimeoutMs: number;
}

export interface NomadTemplate {
  readonly data: string;
  /** Path under the task's directory. */
  readonly destination: string;
  readonly mode: number;
}

export type Capability =
  "dispatch-job" | "list-jobs" | "read-job" | "submit-job" | "deregister-job" | "purge-job";

/** An ACL token of one namespace. */
export interface NomadToken {
  readonly secret: string;
  /** @default - made up */
  readonly name?: string;
  readonly capabilities: readonly Capability[];
}

/** A dispatched job, or a job that runs by itself. */
export interface Child {
  readonly id: string;
  /** Empty where nobody dispatched it. */
  readonly parent: string;
  /** The job as it was when this was made: what becomes of the parent later does not matter to a child. */
  readonly job: NomadJob;
  readonly token: string | null;
  readonly meta: Readonly<Record<string, string>>;
  readonly payload: Buffer;
  readonly createIndex: number;
  modifyIndex: number;
  status: "pending" | "running" | "dead";
  /** Whether it was stopped by a person or the API. */
  stopped: boolean;
  readonly allocations: Allocation[];
}

export interface Allocation {
  readonly id: string;
  status: "running" | "complete" | "failed" | "lost";
  readonly tasks: TaskRun[];
}

/** One process of an allocation. */
export interface TaskRun {
  readonly name: string;
  readonly pid: number | null;
  exitCode: number | null;
  signal: string | null;
  /** Standard output and error, cut at 64 KiB. */
  output: string;
}

/** An allocation at work. */
export interface Run {
  readonly allocation: Allocation;
  /** Ends when the last task has ended; never fails. */
  readonly ended: Promise<void>;
  /** What `nomad job stop` does. Poststop tasks run. */
  stop(): void;
  /** What the kernel does when the main task has no memory left. Poststop tasks run. */
  kill(): void;
  /** What a lost node does: everything ends at once, and no poststop task runs. */
  lose(): void;
}

/** Runs an allocation of a child in place of its tasks' processes. */
export type Launcher = (child: Child) => Run;

export interface ChildView {
  readonly id: string;
  readonly parent: string;
  readonly token: string | null;
  readonly meta: Readonly<Record<string, string>>;
  /** As text. The claim is in it: whoever may read a job reads its payload. */
  readonly payload: string;
  readonly status: Child["status"];
  readonly stopped: boolean;
  readonly allocations: readonly Readonly<Allocation>[];
}

export type NomadEvent =
  | {
      readonly type: "dispatch.accepted";
      readonly child: string;
      readonly token: string | null;
      readonly duplicate: boolean;
    }
  | {
      readonly type: "dispatch.refused";
      readonly job: string;
      readonly status: number;
      readonly text: string;
    }
  | { readonly type: "child.blocked" | "child.running" | "child.dead"; readonly child: string }
  | { readonly type: "task.started"; readonly child: string; readonly task: string; readonly pid: number }
  | {
      readonly type: "task.exited";
      readonly child: string;
      readonly task: string;
      readonly code: number | null;
    }
  | { readonly type: "access.refused" | "down" | "up" };
