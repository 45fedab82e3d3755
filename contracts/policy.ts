import {
  CLASS_NAME,
  NOMAD_JOB_ID,
  REPOSITORY_PATTERN,
  RUNNER_LABEL,
  type WordedPattern,
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

/** A runner registers with 1 to 100 labels; every other list is held to the same.
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
    scope: oneOf(raw["scope"], "scope", ["repository", "organization"] as const, problems),
    repositories: patterns(raw["repositories"], "repositories", 1, problems),
    publicRepositories: patterns(raw["publicRepositories"] ?? [], "publicRepositories", 0, problems),
    forkPullRequests: oneOf(
      raw["forkPullRequests"],
      "forkPullRequests",
      ["refuse", "allow"] as const,
      problems,
    ),
    requireSelfHostedLabel: oneOf(
      raw["requireSelfHostedLabel"],
      "requireSelfHostedLabel",
      [true, false],
      problems,
    ),
    runnerGroupId: bounded(raw["runnerGroupId"], GROUP_BOUNDS, "runnerGroupId", problems),
    classes: classes(raw["classes"], problems),
  };
  return problems.length === 0 ? { ok: true, policy } : { ok: false, problems };
}

/** A runner group's id; 1 is the default group. */
const GROUP_BOUNDS: Bounds = { min: 1, max: Number.MAX_SAFE_INTEGER, default: 1 };

type Raw = Readonly<Record<string, unknown>>;

type Parsed =
  { readonly ok: true; readonly record: Raw } | { readonly ok: false; readonly problems: string[] };

function fromText(value: unknown): Parsed {
  let parsed = value;
  const text = typeof value === "string" ? value : (JSON.stringify(value) as string | undefined);
  const bytes = new Blob([text ?? ""]).size;
  if (bytes > MAX_POLICY_BYTES) {
    return {
      ok: false,
      problems: [
        `policy: must be at most ${MAX_POLICY_BYTES} bytes of JSON, got ${bytes}; use patterns instead of names, or fewer classes or labels`,
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
  return { ok: true, record: parsed as Raw };
}

function classes(value: unknown, problems: string[]): RunnerClass[] {
  const items = list(value, "classes", "runner classes", problems);
  const seen = new Set<string>();
  return items.map((item, index) => {
    const at = `classes[${index}].`;
    const raw = (typeof item === "object" && item !== null ? item : {}) as Raw;
    const name = text(raw["name"], CLASS_NAME, `${at}name`, problems);
    if (seen.has(name)) problems.push(`${at}name: must be unique, got ${show(name)} again`);
    seen.add(name);
    const labels = list(raw["labels"], `${at}labels`, "labels", problems);
    const numbers = Object.entries(CLASS_BOUNDS).map(([key, bounds]) => [
      key,
      bounded(raw[key], bounds, at + key, problems),
    ]);
    return {
      name,
      job: text(raw["job"], NOMAD_JOB_ID, `${at}job`, problems),
      labels: labels.map((label, turn) => text(label, RUNNER_LABEL, `${at}labels[${turn}]`, problems)),
      ...(Object.fromEntries(numbers) as Record<keyof typeof CLASS_BOUNDS, number>),
    };
  });
}

function list(value: unknown, at: string, what: string, problems: string[], min = 1): readonly unknown[] {
  if (Array.isArray(value) && value.length >= min && value.length <= MAX_LABELS) return value;
  problems.push(`${at}: must be a list of ${min} to ${MAX_LABELS} ${what}, got ${show(value)}`);
  return [];
}

function patterns(value: unknown, at: string, min: number, problems: string[]): string[] {
  return list(value, at, "owner/name patterns", problems, min).map((item, index) =>
    text(item, REPOSITORY_PATTERN, `${at}[${index}]`, problems),
  );
}

function text(value: unknown, field: WordedPattern, at: string, problems: string[]): string {
  if (matches(field.pattern, value)) return value;
  problems.push(`${at}: must be ${field.words}, got ${show(value)}`);
  return "";
}

function oneOf<T>(value: unknown, at: string, choices: readonly [T, ...T[]], problems: string[]): T {
  const found = choices.find((choice) => choice === (value ?? choices[0]));
  if (found === undefined) problems.push(`${at}: must be ${choices.join(" or ")}, got ${show(value)}`);
  return found ?? choices[0];
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

function bounded(given: unknown, bounds: Bounds, at: string, problems: string[]): number {
  const value = given ?? bounds.default;
  if (typeof value === "number" && Number.isInteger(value) && value >= bounds.min && value <= bounds.max)
    return value;
  const range = `from ${bounds.min} to ${bounds.max}`;
  problems.push(`${at}: must be a whole number ${range}, got ${show(value)}`);
  return bounds.default;
}

/** A received value for an error text, cut short. The policy holds no secret. */
function show(value: unknown): string {
  const shown = (JSON.stringify(value) as string | undefined) ?? "nothing";
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
}
