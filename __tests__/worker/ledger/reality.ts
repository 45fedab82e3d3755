/** A job as GitHub really has it. */
export interface RealJob {
  readonly id: number;
  state: "queued" | "in_progress" | "completed";
  conclusion: string | null;
  runner: string | null;
}

/** A child that Nomad really has. */
export interface Child {
  /** 0: one of the pool. */
  readonly job: number;
  readonly ordinal: number;
  readonly name: string;
  state: "starting" | "registered" | "busy" | "over";
  /** When it registered, for its own idle timeout. */
  since: number;
  job_taken: number | null;
}

export interface Pending {
  readonly action: "queued" | "in_progress" | "completed";
  readonly job: RealJob;
  readonly runner: string | null;
  readonly guid: string;
}
