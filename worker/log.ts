/** What a log line may carry, and nothing else: no body, no header, no free-form object, so that no secret gets in by
 *  accident. */
export interface LogFields {
  /** `X-GitHub-Delivery`. */
  readonly delivery?: string | null | undefined;
  readonly action?: string | null | undefined;
  readonly job_id?: number | null | undefined;
  readonly run_id?: number | null | undefined;
  /** `owner/name`. */
  readonly repo?: string | null | undefined;
  readonly scope?: string | null | undefined;
  readonly class?: string | null | undefined;
  readonly ordinal?: number | null | undefined;
  /** A runner's name at GitHub. */
  readonly runner?: string | null | undefined;
  readonly runner_id?: number | null | undefined;
  /** Id of a dispatched Nomad job. */
  readonly child?: string | null | undefined;
  readonly outcome?: string | null | undefined;
  readonly reason?: string | null | undefined;
  /** An error class. */
  readonly error?: string | null | undefined;
  /** A cleaned text about an error. */
  readonly detail?: string | null | undefined;
  /** HTTP status that was answered. */
  readonly status?: number | null | undefined;
  readonly attempt?: number | null | undefined;
  readonly count?: number | null | undefined;
  readonly retry_after_seconds?: number | null | undefined;
  /** Milliseconds something took. */
  readonly ms?: number | null | undefined;
}

/** The same names for the runtime, where types do not hold. `satisfies` makes a name that is only in one place fail. */
const KEYS = Object.keys({
  delivery: 0,
  action: 0,
  job_id: 0,
  run_id: 0,
  repo: 0,
  scope: 0,
  class: 0,
  ordinal: 0,
  runner: 0,
  runner_id: 0,
  child: 0,
  outcome: 0,
  reason: 0,
  error: 0,
  detail: 0,
  status: 0,
  attempt: 0,
  count: 0,
  retry_after_seconds: 0,
  ms: 0,
} satisfies Record<keyof LogFields, 0>) as readonly (keyof LogFields)[];

const MAX_TEXT = 300;

/** Writes one JSON line. Texts are cut at 300 characters; JSON escapes what could break the line. */
export function log(level: "info" | "warn" | "error", event: string, fields: LogFields): void {
  const line: Record<string, string | number> = { level, event };
  for (const key of KEYS) {
    const value: unknown = fields[key];
    if (typeof value === "string") line[key] = value.slice(0, MAX_TEXT);
    else if (Number.isFinite(value)) line[key] = value as number;
  }
  console.log(JSON.stringify(line));
}
