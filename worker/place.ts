import type { RunnerPolicy } from "../contracts/policy";
import type { WorkflowJobEvent } from "./event";
import type { PlacedJob } from "./ledger/jobs";
import { decide, rulesOf } from "./policy";
import { selectClass } from "./select-class";

/** What places a job, whether a delivery told of it or GitHub was asked. */
export type JobFacts = Pick<
  WorkflowJobEvent,
  "delivery" | "jobId" | "runId" | "name" | "labels" | "repository" | "organization"
>;

/** `check`: its run must be looked up before a dispatch. `reason`: why it gets no runner, a stable word. */
export type Placed =
  { readonly job: PlacedJob; readonly check: boolean } | { readonly job: null; readonly reason: string };

/** Where a job's runner registers, and of which class it is: labels first, then what the policy says of the repository. */
export function place(policy: RunnerPolicy, facts: JobFacts): Placed {
  const rules = rulesOf(policy, facts.repository.fullName);
  const labels = selectClass(rules, policy.classes, facts.labels);
  if (!labels.fits) return { job: null, reason: labels.reason };
  const decision = decide(rules, facts);
  if (!decision.allowed) return { job: null, reason: decision.reason };
  return {
    check: decision.forkCheck,
    job: {
      jobId: facts.jobId,
      scope: decision.scope,
      class: labels.runnerClass.name,
      repo: facts.repository.fullName,
      runId: facts.runId,
      name: facts.name,
      fork: facts.repository.fork,
      delivery: facts.delivery,
    },
  };
}
