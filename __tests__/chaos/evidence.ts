import type { JobView, RunnerView } from "../../local/github/types";
import type { Row } from "../../local/worker/database";
import type { ChaosPolicy } from "./plan/settings";
import type { PlannedJob } from "./plan/plan";

/** A change of state that a trigger of the ledger saw, in order; `was` is null for a new row. */
export interface Move {
  readonly of: "job" | "runner";
  /** A job's id, or a runner's name. */
  readonly name: string;
  readonly was: string | null;
  readonly is: string;
  /** When, in milliseconds since the epoch. */
  readonly at: number;
}

/** What the ledger held at the moment when it granted a claim, the claim's own runner left out. */
export interface Grant {
  readonly name: string;
  readonly scope: string;
  readonly class: string;
  readonly warm: boolean;
  readonly paused: boolean;
  readonly waiting: number;
  readonly holders: number;
  readonly warmHolders: number;
  /** Holders and busy ones of the class, and of the class in the repository. */
  readonly ofClass: number;
  readonly ofRepository: number;
}

/** How many places were taken at the moment when a request was leased to be sent, its own one counted. */
export interface Lease {
  readonly name: string;
  readonly class: string;
  readonly ofClass: number;
  readonly ofRepository: number;
}

/** A dispatched child of Nomad. */
export interface ChildFact {
  readonly id: string;
  readonly parent: string;
  readonly token: string | null;
  readonly meta: Readonly<Record<string, string>>;
  /** What its claim says; null when that cannot be read. */
  readonly claim: {
    readonly scope: string;
    readonly class: string;
    readonly job: number;
    readonly ordinal: number;
  } | null;
  readonly alive: boolean;
}

/** The ledger at one moment. */
export interface Snapshot {
  /** By the Worker's clock, milliseconds since the epoch. */
  readonly at: number;
  readonly jobs: readonly Row[];
  readonly runners: readonly Row[];
  readonly problems: readonly Row[];
}

/** Something that somebody may read: a log line, an answer, a row. */
export interface Text {
  readonly source: string;
  readonly text: string;
}

export interface NamedSecret {
  readonly name: string;
  readonly text: string;
  /** Whether it is one of the few that are there from the beginning, and looked for in every form. */
  readonly isFixed: boolean;
}

/** An answer of the Worker to a delivery that GitHub never sent, and what was wrong with it. */
export interface ForgedAnswer {
  readonly what: string;
  readonly kind: "unsigned" | "hostile" | "replayed";
  readonly status: number;
}

/** All that is known of a run so far; what invariants are checked on. */
export interface Evidence {
  readonly policy: ChaosPolicy;
  /** First part of every name of this stack's runners. */
  readonly stack: string;
  /** `throughout`: while faults last, and after. `settled`: they ended so long ago that every job should be on its way.
   *  `end`: everything was given the time to end. */
  readonly moment: "throughout" | "settled" | "end";
  /** Jobs of the plan by their id at GitHub. */
  readonly planned: ReadonlyMap<number, PlannedJob>;
  readonly jobs: readonly JobView[];
  readonly registered: readonly RunnerView[];
  readonly children: readonly ChildFact[];
  readonly moves: readonly Move[];
  readonly grants: readonly Grant[];
  readonly leases: readonly Lease[];
  readonly snapshot: Snapshot;
  /** Only at the end: what anybody may read. */
  readonly texts: readonly Text[];
  readonly secrets: readonly NamedSecret[];
  /** Ids of jobs that only forged deliveries name. */
  readonly forgedJobs: ReadonlySet<number>;
  readonly forged: readonly ForgedAnswer[];
  /** Only at the end: what should have come to its end by then. */
  readonly left: readonly string[];
  /** Answers to claims that were shown when nothing waited any more, by their runner. */
  readonly lateClaims: readonly { readonly runner: string; readonly status: number }[];
}

/** An invariant that does not hold. */
export interface Violation {
  /** The job's id or the runner's name that it is about; null: nobody's alone. */
  readonly subject: string | null;
  readonly what: string;
}

/** Something that must hold, whatever is broken. */
export interface Invariant {
  readonly number: number;
  readonly name: string;
  /** Looks at all that is known; must hold at any moment, and says which of it waits for a later one. */
  readonly check: (evidence: Evidence) => readonly Violation[];
}
