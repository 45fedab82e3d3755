import { parseCronWindow } from "./cron-window";
import {
  CLASS_NAME,
  NOMAD_JOB_ID,
  OWNER,
  REPOSITORY_FULL_NAME,
  REPOSITORY_PATTERN,
  RUNNER_LABEL,
  type WordedPattern,
  matches,
} from "./patterns";
import {
  CLASS_BOUNDS,
  MAX_LABELS,
  MAX_POLICY_BYTES,
  MAX_POOL_RUNNERS,
  type RunnerClass,
  type RunnerPolicy,
  type RunnerPool,
  type RunnerScope,
  TIME_ZONE,
} from "./policy";

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
    scopes: scopes(raw, problems),
    classes: classes(raw["classes"], problems),
    pools: pools(raw["pools"], problems),
    cleanUp: oneOf(raw["cleanUp"], "cleanUp", ["delete", "report", "off"] as const, problems),
    recovery: oneOf(raw["recovery"], "recovery", ["on", "off"] as const, problems),
    redelivery: oneOf(raw["redelivery"], "redelivery", ["on", "off"] as const, problems),
  };
  checkPools(policy, problems);
  return problems.length === 0 ? { ok: true, policy } : { ok: false, problems };
}

/** What a scope may say; at the top level, too, where there is one scope only. */
const SCOPE_KEYS = [
  "scope",
  "repositories",
  "publicRepositories",
  "forkPullRequests",
  "requireSelfHostedLabel",
  "runnerGroupId",
];

function scopes(raw: Raw, problems: string[]): RunnerScope[] {
  if (raw["scopes"] === undefined) return [scope(raw, "", problems)];
  const doubled = SCOPE_KEYS.filter((key) => raw[key] !== undefined);
  if (doubled.length > 0) {
    problems.push(`${doubled.join(", ")}: must stand in each of "scopes" when there is that list, got both`);
  }
  const found = list(raw["scopes"], "scopes", "scopes", problems).map((item, index) =>
    scope(record(item), `scopes[${index}].`, problems),
  );
  checkOrganizations(found, problems);
  return found;
}

/** A claim names its organization, not the scope that ruled its job: with two scopes nobody could say whose group it is. */
function checkOrganizations(found: readonly RunnerScope[], problems: string[]): void {
  const seen: string[] = [];
  for (const [index, { scope: kind, repositories }] of found.entries()) {
    const owner = repositories[0]?.split("/", 1)[0]?.toLowerCase() ?? "";
    if (kind !== "organization" || owner === "") continue;
    if (seen.some((other) => other === owner || `${other}${owner}`.includes("*"))) {
      problems.push(
        `scopes[${index}].repositories: must name an organization that no other scope may mean, got ${show(owner)}`,
      );
    }
    seen.push(owner);
  }
}

function scope(raw: Raw, at: string, problems: string[]): RunnerScope {
  return {
    scope: oneOf(raw["scope"], `${at}scope`, ["repository", "organization"] as const, problems),
    repositories: patterns(raw["repositories"], `${at}repositories`, 1, problems),
    publicRepositories: patterns(raw["publicRepositories"] ?? [], `${at}publicRepositories`, 0, problems),
    forkPullRequests: oneOf(
      raw["forkPullRequests"],
      `${at}forkPullRequests`,
      ["refuse", "allow"] as const,
      problems,
    ),
    requireSelfHostedLabel: oneOf(
      raw["requireSelfHostedLabel"],
      `${at}requireSelfHostedLabel`,
      [true, false],
      problems,
    ),
    runnerGroupId: bounded(raw["runnerGroupId"], GROUP_BOUNDS, `${at}runnerGroupId`, problems),
  };
}

function pools(value: unknown, problems: string[]): RunnerPool[] {
  return list(value ?? [], "pools", "pools", problems, 0).map((item, index) => {
    const at = `pools[${index}].`;
    const raw = record(item);
    const window = raw["window"] ?? null;
    const timeZone = raw["timeZone"] ?? "UTC";
    if (window !== null && (typeof window !== "string" || parseCronWindow(window) === null)) {
      problems.push(`${at}window: must be five cron fields such as "* 8-17 * * 1-5", got ${show(window)}`);
    }
    if (!matches(TIME_ZONE, timeZone)) {
      problems.push(`${at}timeZone: must name a time zone such as Europe/Berlin, got ${show(timeZone)}`);
    }
    return {
      scope: text(raw["scope"], POOL_SCOPE, `${at}scope`, problems),
      class: text(raw["class"], CLASS_NAME, `${at}class`, problems),
      size: bounded(raw["size"], POOL_BOUNDS, `${at}size`, problems),
      window: window as string | null,
      timeZone: timeZone as string,
    };
  });
}

/** `owner/name` or a login. */
const POOL_SCOPE: WordedPattern = {
  pattern: new RegExp(`${REPOSITORY_FULL_NAME.source}|${OWNER.source}`),
  words: "owner/name of a repository, or an organization's login",
};

const POOL_BOUNDS: Bounds = { min: 1, max: MAX_POOL_RUNNERS, default: 1 };

function checkPools({ pools: given, classes: known }: RunnerPolicy, problems: string[]): void {
  for (const [index, { class: name }] of given.entries()) {
    if (name !== "" && !known.some((one) => one.name === name)) {
      problems.push(`pools[${index}].class: must be the name of one of the classes, got ${show(name)}`);
    }
  }
  const total = given.reduce((sum, { size }) => sum + size, 0);
  if (total > MAX_POOL_RUNNERS) {
    problems.push(`pools: must keep at most ${MAX_POOL_RUNNERS} runners together, got ${total}`);
  }
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

function record(item: unknown): Raw {
  return (typeof item === "object" && item !== null ? item : {}) as Raw;
}

function classes(value: unknown, problems: string[]): RunnerClass[] {
  const items = list(value, "classes", "runner classes", problems);
  const seen = new Set<string>();
  return items.map((item, index) => {
    const at = `classes[${index}].`;
    const raw = record(item);
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
