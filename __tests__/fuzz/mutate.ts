import type { Random } from "../live/lifecycle/random";
import { type Json, isRecord, textOf } from "./json";

/** Texts that parsers and patterns are known to stumble over. */
const HOSTILE_TEXTS = [
  "",
  " ",
  "\n",
  "\r\n",
  "\0",
  "/",
  "..",
  "*",
  ",",
  ".",
  "-",
  "=",
  "%2f",
  "${x}",
  "{{x}}",
  "`id`",
  "<html>",
  "{",
  "[]",
  "null",
  "\\u0000",
  "__proto__",
  "constructor",
  "é",
  "\u0130",
  "\u017f",
  "\u212a",
  "\ufeff",
  "\ud800",
  "\u{1f600}",
  "a".repeat(300),
] as const;

const HOSTILE_NUMBERS = [0, -0, 1, -1, 0.5, 100, 200, 255, 256, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e308, -1e9];

const HOSTILE: readonly Json[] = [null, true, false, [], {}, ...HOSTILE_NUMBERS, ...HOSTILE_TEXTS];

/** Changes one or a few places of an input. @param pool inputs to take parts from */
export function mutate(input: Json, random: Random, pool: readonly Json[]): Json {
  let mutated = input;
  do mutated = once(mutated, random, pool);
  while (random.next() < 0.4);
  return mutated;
}

function once(value: Json, random: Random, pool: readonly Json[]): Json {
  // Rarely at the root and ever more often below it, so that what is near the root is changed as often as what is deep.
  if (random.next() < 0.03)
    return random.next() < 0.5 ? random.pick(HOSTILE) : part(random.pick(pool), random);
  if (Array.isArray(value)) return list(value as readonly Json[], random, pool);
  if (isRecord(value)) return record(value, random, pool);
  if (typeof value === "string") return text(value, random, pool);
  if (typeof value === "number") return number(value, random);
  return random.pick(HOSTILE);
}

/** Some part of an input. */
function part(input: Json, random: Random): Json {
  const inner = nested(input);
  const children = typeof inner === "object" && inner !== null ? Object.values(inner) : [];
  return children.length === 0 || random.next() < 0.2 ? input : part(random.pick(children), random);
}

function list(value: readonly Json[], random: Random, pool: readonly Json[]): Json {
  const items = [...value];
  const at = random.between(0, Math.max(0, items.length - 1));
  const chance = random.next();
  if (items.length === 0 || chance < 0.15) items.splice(at, 0, part(random.pick(pool), random));
  else if (chance < 0.3) items.splice(at, 1);
  else if (chance < 0.35)
    items.push(...Array.from({ length: random.between(1, 100) }, () => items[at] ?? null));
  else items[at] = once(items[at] ?? null, random, pool);
  return items;
}

function record(value: { readonly [key: string]: Json }, random: Random, pool: readonly Json[]): Json {
  const entries = Object.entries(value);
  const at = random.between(0, Math.max(0, entries.length - 1));
  const [key, field] = entries[at] ?? ["", null];
  const chance = random.next();
  if (entries.length === 0 || chance < 0.04)
    entries.push([random.pick(HOSTILE_TEXTS), part(random.pick(pool), random)]);
  else if (chance < 0.1) entries.splice(at, 1);
  else if (chance < 0.13) entries[at] = [text(key, random, pool), field];
  // An entry's value where another one stands: both have a meaning to whoever reads them.
  else if (chance < 0.17) entries[at] = [key, random.pick(entries)[1]];
  else entries[at] = [key, once(field, random, pool)];
  return Object.fromEntries(entries);
}

function number(value: number, random: Random): Json {
  const chance = random.next();
  if (chance < 0.4) return random.pick(HOSTILE_NUMBERS);
  if (chance < 0.7) return value + random.pick([-1, 1, -1000, 1000]);
  return chance < 0.85 ? random.between(0, 600) : String(value);
}

/** A text that is JSON is changed as JSON, most times. */
function text(value: string, random: Random, pool: readonly Json[]): string {
  const inner = nested(value);
  if (inner !== value && random.next() < 0.85) return JSON.stringify(once(inner, random, pool));
  const from = random.between(0, value.length);
  const to = random.next() < 0.5 ? from : random.between(from, value.length);
  const chance = random.next();
  const between =
    chance < 0.15
      ? ""
      : chance < 0.35
        ? random.pick(HOSTILE_TEXTS)
        : chance < 0.5
          ? String.fromCharCode(random.between(0, random.next() < 0.8 ? 0x7f : 0x2ff))
          : chance < 0.6
            ? value.slice(from, to).repeat(random.between(2, 5))
            : chance < 0.7
              ? swapCase(value.slice(from, to))
              : chance < 0.85
                ? String.fromCharCode(value.charCodeAt(from) ^ (1 << random.between(0, 6)))
                : textOf(part(random.pick(pool), random));
  // Bounded, or it grows with every round that keeps it.
  return (value.slice(0, from) + between + value.slice(to)).slice(0, 100_000);
}

function swapCase(value: string): string {
  return value === value.toLowerCase() ? value.toUpperCase() : value.toLowerCase();
}

/** What a text of JSON means, and everything else as it is. */
function nested(value: Json): Json {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}
