import { type Json, isRecord } from "./json";

/** So that a slow failure does not take for ever to be made small. */
const MAX_TRIES = 2_000;

/**
 * Makes an input smaller for as long as `stillSo` holds of what is left: whole fields and items first, then texts by
 * halves, then characters.
 * @param tries most calls of `stillSo`
 */
export async function shrink(
  input: Json,
  stillSo: (candidate: Json) => Promise<boolean>,
  tries: number = MAX_TRIES,
): Promise<Json> {
  let smallest = input;
  let left = tries;
  for (let smaller = true; smaller;) {
    smaller = false;
    for (const candidate of candidates(smallest)) {
      if (left === 0) return smallest;
      left -= 1;
      if (!(await stillSo(candidate))) continue;
      smallest = candidate;
      smaller = true;
      break;
    }
  }
  return smallest;
}

/** Smaller neighbours of a value, the smallest first. Each is smaller by a measure that cannot fall for ever. */
function* candidates(value: Json): Generator<Json> {
  if (typeof value === "string") yield* texts(value);
  else if (typeof value === "number") yield* [0, 1].filter((one) => one < Math.abs(value));
  else if (Array.isArray(value)) yield* lists(value as readonly Json[]);
  else if (isRecord(value)) yield* records(value);
}

function* texts(value: string): Generator<string> {
  if (value === "") return;
  yield "";
  const inner = parsed(value);
  if (inner !== null) {
    for (const smaller of candidates(inner)) {
      const written = JSON.stringify(smaller);
      if (written.length < value.length) yield written;
    }
  }
  for (let size = value.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at < value.length; at += size) yield value.slice(0, at) + value.slice(at + size);
}

function* lists(value: readonly Json[]): Generator<Json> {
  if (value.length > 3) yield value.slice(value.length >> 1);
  for (const index of value.keys()) yield value.filter((_, other) => other !== index);
  for (const [index, item] of value.entries())
    for (const smaller of candidates(item)) yield value.with(index, smaller);
}

function* records(value: { readonly [key: string]: Json }): Generator<Json> {
  const entries = Object.entries(value);
  const half = entries.length >> 1;
  if (half > 1) yield* [entries.slice(half), entries.slice(0, half)].map((some) => Object.fromEntries(some));
  for (const [key] of entries) yield Object.fromEntries(entries.filter(([other]) => other !== key));
  // The largest first: what is small is asked for in vain again and again, for as long as the rest changes.
  for (const [key, field] of entries.sort((a, b) => size(b[1]) - size(a[1])))
    for (const smaller of candidates(field)) yield { ...value, [key]: smaller };
}

function size(value: Json): number {
  return JSON.stringify(value).length;
}

function parsed(value: string): Json {
  try {
    const found = JSON.parse(value) as Json;
    return typeof found === "object" ? found : null;
  } catch {
    return null;
  }
}
