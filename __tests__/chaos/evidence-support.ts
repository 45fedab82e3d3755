import type { JobView } from "../../local/github/types";
import type { Evidence, Violation } from "./evidence";
import type { Invariant } from "./evidence";
import type { PlannedJob } from "./plan/plan";
import { POLICY } from "./plan/settings";

/** First part of the names of runners in tests of invariants. */
export const STACK = "abc123";

/** Evidence of a run in which nothing happened, with changes. */
export function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    policy: POLICY,
    stack: STACK,
    moment: "end",
    planned: new Map(),
    jobs: [],
    registered: [],
    children: [],
    moves: [],
    grants: [],
    leases: [],
    snapshot: { at: 0, jobs: [], runners: [], problems: [] },
    texts: [],
    secrets: [],
    forgedJobs: new Set(),
    forged: [],
    left: [],
    lateClaims: [],
    ...changes,
  };
}

/** What an invariant says of evidence, in words. */
export function said(invariant: Invariant, changes: Partial<Evidence>): readonly string[] {
  return invariant.check(evidence(changes)).map(({ what }: Violation) => what);
}

/** A job at GitHub. */
export function jobAtGithub(id: number, status: JobView["status"]): JobView {
  return {
    ...{ id, runId: id, repository: "octo-org/app", name: `j${String(id)}`, labels: [], status },
    ...{ conclusion: null, runnerName: null, log: "" },
  };
}

/** A job of a plan that is served at octo-org/app, or one that is refused. */
export function plannedJob(isServed: boolean): PlannedJob {
  return {
    ...{ key: "j1", at: 0, inRunOf: null, cancelAt: null, approveAt: null },
    spec: { repository: "octo-org/app", labels: [] },
    served: isServed ? { scope: "octo-org/app", class: "linux" } : null,
  };
}

/** A runner's row that is in order, with changes. */
export function runnerRow(
  changes: Readonly<Record<string, string | number | null>> = {},
): Record<string, string | number | null> {
  return {
    ...{ name: `${STACK}-linux-1-1`, job_id: 1, ordinal: 1, scope: "octo-org/app", class: "linux" },
    ...{ state: "requested", live: 1, warm: 0, until: 9e15, span: 0, attempts: 0, looks: 0 },
    ...{ taken_job_id: null, busy_at: null, ended_at: null, end_reason: null },
    ...changes,
  };
}
