import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "./json";

/** Where inputs are kept, a directory for each target: those that failed once, and those that lead far into the code. */
const CORPUS = join(__dirname, "corpus");

export interface KeptInput {
  /** Name of its file, without the ending. */
  readonly name: string;
  readonly input: Json;
}

export function readCorpus(target: string): readonly KeptInput[] {
  const directory = join(CORPUS, target);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => ({
      name: file.slice(0, -".json".length),
      input: JSON.parse(readFileSync(join(directory, file), "utf8")) as Json,
    }));
}

/** Keeps an input under the hash of its text. @returns the file */
export function keepInput(target: string, kind: "failed" | "reached", input: Json): string {
  const text = `${JSON.stringify(input, null, 2)}\n`;
  const file = join(
    CORPUS,
    target,
    `${kind}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.json`,
  );
  mkdirSync(join(CORPUS, target), { recursive: true });
  writeFileSync(file, text);
  return file;
}
