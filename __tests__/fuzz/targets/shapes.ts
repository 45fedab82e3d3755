import { isRecord } from "../json";

/**
 * What a text must be made of, said a second time and without any of the Worker's patterns: character by character.
 */

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const WORD = LOWER + LOWER.toUpperCase() + DIGITS;

function madeOf(text: string, allowed: string, most: number): boolean {
  return text.length > 0 && text.length <= most && Array.from(text).every((one) => allowed.includes(one));
}

/** Letters, digits, and the rest of `allowed` after the first character. */
function word(value: unknown, allowed: string, most: number): value is string {
  return typeof value === "string" && madeOf(value, WORD + allowed, most) && WORD.includes(value.charAt(0));
}

export function isOwner(value: unknown): value is string {
  return word(value, "_-", 100);
}

function isRepository(value: string): boolean {
  return madeOf(value, `${WORD}._-`, 100) && value !== "." && value !== "..";
}

export function isFullName(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const [owner, name, ...more] = value.split("/");
  return isOwner(owner) && name !== undefined && isRepository(name) && more.length === 0;
}

export function isGuid(value: unknown): value is string {
  return typeof value === "string" && madeOf(value, `${WORD}-`, 64);
}

export function isLabel(value: unknown): value is string {
  return word(value, "._:/=+-", 256);
}

export function isRunnerName(value: unknown): value is string {
  return word(value, "._-", 64);
}

export function isJobName(value: unknown): value is string {
  return typeof value === "string" && madeOf(value, `${WORD} ._,:+=()/@#-`, 100);
}

export function isNomadJob(value: unknown): value is string {
  return word(value, "._-", 128);
}

export function isClassName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    madeOf(value, `${LOWER}${DIGITS}-`, 24) &&
    !value.startsWith("-") &&
    !value.endsWith("-")
  );
}

/** `owner/name` with `*` in either. */
export function isRepositoryPattern(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const [owner = "", name = "", ...more] = value.split("/");
  return (
    more.length === 0 &&
    madeOf(owner, `${WORD}_-*`, 100) &&
    !"_-".includes(owner.charAt(0)) &&
    madeOf(name, `${WORD}._-*`, 100) &&
    name !== "." &&
    name !== ".."
  );
}

export function isWhole(
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): value is number {
  return typeof value === "number" && Math.floor(value) === value && value >= least && value <= most;
}

/** Throws the sentence when a property does not hold. What follows a colon varies with the input. */
export function must(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Error(sentence);
}

/** A text as UTF-8 has it. @returns null for bytes that are none; a byte order mark is not part of the text */
export function utf8TextOf(bytes: Uint8Array): string | null {
  const buffer = Buffer.from(bytes);
  const text = buffer.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(buffer)) return null;
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** @returns undefined for what is no JSON */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function fieldOf(value: unknown, key: string): unknown {
  return isRecord(value) ? Object.entries(value).find(([one]) => one === key)?.[1] : undefined;
}
