import {
  CLASS_NAME,
  type FieldPattern,
  NOMAD_JOB_ID,
  REPOSITORY_PATTERN,
  RUNNER_LABEL,
  isId,
  matches,
} from "./patterns";

/** One kind of runner: what it is called at GitHub, and which parameterized Nomad job starts it. */
export interface RunnerClass {
  /** Short name, part of runner names. */
  readonly name: string;
  /** Id of the parameterized Nomad job. */
  readonly job: string;
  /** Labels the runner registers with, in the order given; a job fits when these cover all of its own. */
  readonly labels: readonly string[];
  /** Most runners of this class at once, over all scopes; 0 = no limit. */
  readonly maxRunners: number;
  /** Seconds a dispatched runner may take until it claims; then another one is asked for. */
  readonly pickupDeadlineSeconds: number;
  /** Seconds a runner waits for a job before it leaves. */
  readonly idleTimeoutSeconds: number;
  /** Seconds after which the runner script ends a job. */
  readonly maxDurationSeconds: number;
}

/** `RUNNER_POLICY`: who gets a runner. Patterns, because a Worker variable holds 5 KB and 167 names do not fit; the
 *  hook with its secret is the selection of repositories, this only narrows it. */
export interface RunnerPolicy {
  /** Where runners register: at each repository, or at the organization that owns it. */
  readonly scope: "repository" | "organization";
  /** `owner/name` patterns, `*` within a segment, case-insensitive. */
  readonly repositories: readonly string[];
  /** Public repositories that get runners all the same; same patterns. */
  readonly publicRepositories: readonly string[];
  /** Whether a public repository's pull request from a fork gets a runner. */
  readonly forkPullRequests: "refuse" | "allow";
  /** Whether a job must name `self-hosted`. */
  readonly requireSelfHostedLabel: boolean;
  /** Runner group of an organization; 1 is the default group. */
  readonly runnerGroupId: number;
  /** Tried in order after exact matches. */
  readonly classes: readonly RunnerClass[];
}

/** GitHub's and our own bounds on a class's numbers, inclusive. `maxDurationSeconds`: a self-hosted job may run 5 days.
 *  @see https://docs.github.com/actions/reference/limits */
export const CLASS_BOUNDS = {
  maxRunners: { min: 0, max: 10_000, default: 0 },
  pickupDeadlineSeconds: { min: 1, max: 86_400, default: 300 },
  idleTimeoutSeconds: { min: 1, max: 86_400, default: 300 },
  maxDurationSeconds: { min: 1, max: 432_000, default: 21_600 },
} as const;

/** A runner registers with 1 to 100 labels.
 *  @see https://docs.github.com/rest/actions/self-hosted-runners (generate-jitconfig) */
export const MAX_LABELS = 100;

/** Bytes of the policy's JSON: Cloudflare's limit on one variable. */
export const MAX_POLICY_BYTES = 5_000;

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: RunnerPolicy }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads a policy and reports everything wrong with it at once. Only `repositories` and `classes` are required; every
 * default is the closed one.
 * @param value the parsed JSON, or its text
 */
export function parsePolicy(value: unknown): ParsedPolicy {
  const json = fromText(value);
  if (!json.ok) return json;
  const problems: string[] = [];
  const raw = json.record;
  const policy: RunnerPolicy = {
    scope: oneOf(raw, "scope", ["repository", "organization"] as const, problems),
    repositories: patterns(raw["repositories"], "repositories", problems),
    publicRepositories: patterns(raw["publicRepositories"] ?? [], "publicRepositories", problems),
    forkPullRequests: oneOf(raw, "forkPullRequests", ["refuse", "allow"] as const, problems),
    requireSelfHostedLabel: flag(raw, "requireSelfHostedLabel", true, problems),
    runnerGroupId: runnerGroup(raw["runnerGroupId"] ?? 1, problems),
    classes: classes(raw["classes"], problems),
  };
  if (policy.repositories.length === 0 && problems.length === 0) {
    problems.push("repositories: must name at least one owner/name pattern, got an empty list");
  }
  return problems.length === 0 ? { ok: true, policy } : { ok: false, problems };
}

type Parsed =
  | { readonly ok: true; readonly record: Record<string, unknown> }
  | { readonly ok: false; readonly problems: string[] };

function fromText(value: unknown): Parsed {
  let parsed = value;
  const text = typeof value === "string" ? value : (JSON.stringify(value) as string | undefined);
  const bytes = new Blob([text ?? ""]).size;
  if (bytes > MAX_POLICY_BYTES) {
    return {
      ok: false,
      problems: [
        `policy: must be at most ${String(MAX_POLICY_BYTES)} bytes of JSON, got ${String(bytes)}; use patterns instead of names`,
      ],
    };
  }
  if (typeof value === "string") {
    try {
      parsed = JSON.parse(value);
    } catch {
      return { ok: false, problems: ["policy: is not JSON"] };
    }
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return { ok: false, problems: [`policy: must be a JSON object, got ${show(parsed)}`] };
  }
  return { ok: true, record: parsed as Record<string, unknown> };
}

function classes(value: unknown, problems: string[]): RunnerClass[] {
  if (!Array.isArray(value) || value.length === 0) {
    problems.push(`classes: must be a list of at least one runner class, got ${show(value)}`);
    return [];
  }
  const seen = new Set<string>();
  return value.map((item: unknown, index) => {
    const at = `classes[${String(index)}]`;
    const raw = (typeof item === "object" && item !== null ? item : {}) as Record<string, unknown>;
    const name = text(raw["name"], CLASS_NAME, `${at}.name`, problems);
    if (seen.has(name)) problems.push(`${at}.name: must be unique, got ${show(name)} again`);
    seen.add(name);
    return {
      name,
      job: text(raw["job"], NOMAD_JOB_ID, `${at}.job`, problems),
      labels: labels(raw["labels"], `${at}.labels`, problems),
      maxRunners: bounded(raw, "maxRunners", at, problems),
      pickupDeadlineSeconds: bounded(raw, "pickupDeadlineSeconds", at, problems),
      idleTimeoutSeconds: bounded(raw, "idleTimeoutSeconds", at, problems),
      maxDurationSeconds: bounded(raw, "maxDurationSeconds", at, problems),
    };
  });
}

function labels(value: unknown, at: string, problems: string[]): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_LABELS) {
    problems.push(`${at}: must be a list of 1 to ${String(MAX_LABELS)} labels, got ${show(value)}`);
    return [];
  }
  return value.map((label: unknown, index) => text(label, RUNNER_LABEL, `${at}[${String(index)}]`, problems));
}

function patterns(value: unknown, at: string, problems: string[]): string[] {
  if (!Array.isArray(value)) {
    problems.push(`${at}: must be a list of owner/name patterns, got ${show(value)}`);
    return [];
  }
  return value.map((item: unknown, index) =>
    text(item, REPOSITORY_PATTERN, `${at}[${String(index)}]`, problems),
  );
}

function text(value: unknown, field: FieldPattern, at: string, problems: string[]): string {
  if (matches(field, value)) return value;
  problems.push(`${at}: must be ${field.words}, got ${show(value)}`);
  return "";
}

function oneOf<T extends string>(
  raw: Record<string, unknown>,
  key: string,
  choices: readonly [T, ...T[]],
  problems: string[],
): T {
  const value = raw[key] ?? choices[0];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) problems.push(`${key}: must be ${choices.join(" or ")}, got ${show(value)}`);
  return found ?? choices[0];
}

function flag(raw: Record<string, unknown>, key: string, fallback: boolean, problems: string[]): boolean {
  const value = raw[key] ?? fallback;
  if (typeof value === "boolean") return value;
  problems.push(`${key}: must be true or false, got ${show(value)}`);
  return fallback;
}

function runnerGroup(value: unknown, problems: string[]): number {
  if (isId(value)) return value;
  problems.push(`runnerGroupId: must be a runner group's id (1 is the default group), got ${show(value)}`);
  return 1;
}

function bounded(
  raw: Record<string, unknown>,
  key: keyof typeof CLASS_BOUNDS,
  at: string,
  problems: string[],
): number {
  const { min, max, default: fallback } = CLASS_BOUNDS[key];
  const value = raw[key] ?? fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  problems.push(
    `${at}.${key}: must be a whole number from ${String(min)} to ${String(max)}, got ${show(value)}`,
  );
  return fallback;
}

/** A received value for an error text, cut short. The policy holds no secret. */
function show(value: unknown): string {
  const shown = (JSON.stringify(value) as string | undefined) ?? "nothing";
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}
