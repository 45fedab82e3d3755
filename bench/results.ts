import type { Spread } from "./statistics";

/** One list of requests that were sent round after round; times in milliseconds. */
export interface Series {
  readonly p50: Spread;
  readonly p99: Spread;
  readonly perSecond: Spread;
  /** CPU of the workerd process per request, all rounds together; null where the system does not tell. */
  readonly cpuMs: number | null;
}

/** Who answers the deliveries: the product, or what it is compared with. */
export const SUBJECTS = {
  "hmac-wrong": "floor (a): HMAC only, wrong signature",
  rejected: "rejected",
  "hmac-right": "floor (a): HMAC only, right signature",
  ignored: "ignored",
  fetch: "floor (b): HMAC, parse, one fetch",
  accepted: "accepted",
  minimal: "HMAC and a transaction of one `SELECT 1`",
  transaction: "HMAC and the accepted delivery's transaction",
} as const;

export type Subject = keyof typeof SUBJECTS;

/** How requests come: one when the one before is answered, on so many connections; or one connection with a pause. */
export type Pace = "1" | "32" | "paced";

/** Figures of every subject at every pace, and what follows from the same rounds: ratios are of one round each. */
export interface DeliveryResults {
  readonly requests: Readonly<Record<Pace, number>>;
  readonly rounds: number;
  readonly pauseMs: number;
  readonly bytes: number;
  readonly series: Readonly<Record<Pace, Readonly<Record<Subject, Series>>>>;
  readonly ratios: Readonly<Record<Pace, Ratios>>;
}

/** Of p50. */
export interface Ratios {
  /** Over floor (a) with a wrong signature. */
  readonly rejected: Spread;
  /** Over floor (a) with a right one. */
  readonly ignored: Spread;
  /** Over twice floor (b) and one transaction. */
  readonly accepted: Spread;
  /** Over floor (b) alone. */
  readonly acceptedToFetch: Spread;
  /** The accepted delivery's transaction alone, in milliseconds. */
  readonly transactionMs: Spread;
  /** The one of one `SELECT 1`. */
  readonly minimalMs: Spread;
}

export interface DispatchResults {
  /** From a delivery's first byte until Nomad sees its dispatch. */
  readonly dispatch: Series;
  /** POST of a claim until its 201. */
  readonly claim: Series;
}

export interface MatrixResults {
  readonly jobs: number;
  readonly connections: number;
  readonly wallMs: Spread;
  readonly answeredMs: Spread;
}

export interface StormResults {
  readonly deliveries: number;
  readonly jobs: number;
  readonly connections: number;
  readonly perSecond: number;
  readonly dispatches: number;
  readonly tokens: number;
  /** Until the last dispatch. */
  readonly wallMs: number;
}

/** One size of history. */
export interface HistoryResults {
  readonly jobs: number;
  readonly megabytes: number;
  readonly steps: Readonly<Record<HistoryStep, StepCost>>;
}

export const HISTORY_STEPS = ["delivery", "claim", "sweep"] as const;
export type HistoryStep = (typeof HISTORY_STEPS)[number];

export interface StepCost {
  readonly ms: Spread;
  /** Over the smallest history, round by round. */
  readonly ratio: Spread;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

/** What one step of a job's life costs. */
export interface Cost {
  readonly requests: number;
  readonly fetches: number;
  readonly statements: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

export interface LifeResults {
  readonly jobs: number;
  /** Per job. */
  readonly steps: Readonly<Record<string, Cost>>;
  /** `queued` and its dispatch, per job of a matrix: all wait in one repository. */
  readonly matrix: { readonly jobs: number; readonly cost: Cost };
  /** Per sweep, of a stack at rest with so many repositories; and how many were played. */
  readonly idle: { readonly repositories: number; readonly sweeps: number; readonly cost: Cost };
}

export interface StartResults {
  /** From the start of the process to its first answer. */
  readonly product: Spread;
  readonly floor: Spread;
  readonly bytes: number;
  readonly gzipBytes: number;
}

export interface SynthesisResults {
  readonly main: Spread;
  readonly floor: Spread;
}

/** Everything that one run of `npm run bench` has measured. */
export interface Results {
  /** ISO 8601, to the minute. */
  readonly measuredAt: string;
  readonly command: string;
  readonly machine: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly deliveries: DeliveryResults;
  readonly dispatch: DispatchResults;
  readonly matrix: MatrixResults;
  readonly storm: StormResults;
  readonly history: readonly HistoryResults[];
  readonly life: LifeResults;
  readonly start: StartResults;
  readonly synthesis: SynthesisResults;
}
