import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A claim of the right form. */
export function someClaim(): string {
  return `${randomBytes(90).toString("base64url")}.${randomBytes(32).toString("base64url")}`;
}

/** A JIT config of the usual size. */
export function someJitConfig(): string {
  return randomBytes(3_000).toString("base64");
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function processes(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

/** Command lines of all processes of this machine that contain `text`. */
export function argumentListsWith(text: string): string[] {
  return processes()
    .map((pid) => read(`/proc/${pid}/cmdline`))
    .filter((line) => line.includes(text));
}

/** Ids of the processes whose environment, as others can read it, contains `text`. */
export function environmentsWith(text: string): number[] {
  return processes()
    .filter((pid) => read(`/proc/${pid}/environ`).includes(text))
    .map(Number);
}

/** Files below `directory` that contain `text`. */
export function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
    read(join(directory, name)).includes(text),
  );
}

// What is listed can be a directory, or gone when it is read.
export function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
