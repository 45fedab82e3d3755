import type { RunnerPolicy } from "../../../contracts/policy";
import { type Json, type JsonRecord, recordOf } from "../json";

/** What stands for a field that is not there, as the reference says it: what gives least. */
const SCOPE_DEFAULTS = {
  scope: "repository",
  publicRepositories: [],
  forkPullRequests: "refuse",
  requireSelfHostedLabel: true,
  runnerGroupId: 1,
};
const CLASS_DEFAULTS = {
  maxRunners: 0,
  maxRunnersPerRepository: 0,
  pickupDeadlineSeconds: 300,
  idleTimeoutSeconds: 300,
  maxDurationSeconds: 21_600,
};
const POOL_DEFAULTS = { size: 1, window: null, timeZone: "UTC" };
const DEFAULTS: Readonly<Record<Exclude<keyof RunnerPolicy, "scopes" | "classes">, Json>> = {
  pools: [],
  cleanUp: "delete",
  recovery: "on",
  redelivery: "on",
};

/** A policy that was taken, read a second time. */
export function reread(value: Json): Json {
  const raw = recordOf(typeof value === "string" ? (JSON.parse(value) as Json) : value);
  const lists = (field: Json | undefined): readonly Json[] =>
    Array.isArray(field) ? (field as readonly Json[]) : [];
  const scopes = raw["scopes"] === undefined ? [raw] : lists(raw["scopes"]);
  return {
    ...filled(raw, DEFAULTS, []),
    scopes: scopes.map((one) => filled(one, SCOPE_DEFAULTS, ["repositories"])),
    classes: lists(raw["classes"]).map((one) => filled(one, CLASS_DEFAULTS, ["name", "job", "labels"])),
    pools: lists(raw["pools"]).map((one) => filled(one, POOL_DEFAULTS, ["scope", "class"])),
  };
}

function filled(value: Json, defaults: JsonRecord, required: readonly string[]): JsonRecord {
  const raw = recordOf(value);
  const fields = [...required.map((key) => [key, null] as const), ...Object.entries(defaults)];
  return Object.fromEntries(fields.map(([key, usual]) => [key, raw[key] ?? usual]));
}

/** A policy as a person would write it: what is as usual is left out, and one scope stands at the top level. */
export function written({ scopes, classes, pools, ...others }: RunnerPolicy): Json {
  const [only, ...more] = scopes.map((one) => shortened({ ...one }, SCOPE_DEFAULTS));
  return {
    ...(more.length === 0 ? only : { scopes: [only ?? {}, ...more] }),
    classes: classes.map((one) => shortened({ ...one }, CLASS_DEFAULTS)),
    ...shortened({ pools: pools.map((one) => shortened({ ...one }, POOL_DEFAULTS)), ...others }, DEFAULTS),
  };
}

function shortened(record: JsonRecord, defaults: JsonRecord): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key])),
  );
}
