import { WARM } from "./claim";
import { RUNNER_NAME, matches } from "./patterns";

/**
 * Names of runners at GitHub: `<stack id>-<class>-<job id>-<ordinal>`, unique per ordinal. Two stacks can serve one
 * repository, because only names that begin with the own stack id are ever deleted, counted or cleaned up.
 */

/** 6 hexadecimal digits, made from `PUBLIC_URL`. */
export const STACK_ID = /^[0-9a-f]{6}$/;

/** 6 + 24 + 16 + 3 hyphens leave 15 digits for the ordinal within GitHub's 64 characters. */
export function runnerName(stackId: string, className: string, jobId: number, ordinal: number): string {
  return `${stackId}-${className}-${jobId}-${ordinal}`;
}

/** Of a pool's runner: `<stack id>-<class>-warm-<ordinal>`; no job's runner has a name of that form. */
export function poolRunnerName(stackId: string, className: string, ordinal: number): string {
  return `${stackId}-${className}-${WARM}-${ordinal}`;
}

/** Whether a name that GitHub reports is one of this stack's. */
export function isOwnRunnerName(stackId: string, name: unknown): name is string {
  return matches(RUNNER_NAME, name) && name.startsWith(`${stackId}-`);
}
