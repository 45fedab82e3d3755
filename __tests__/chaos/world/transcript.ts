import type { NamedSecret, Text } from "../evidence";

/** Everything that anybody may read of a run, everything that nobody may, and what was noted of each runner. */
export class Transcript {
  readonly texts: Text[] = [];
  readonly lateClaims: { readonly runner: string; readonly status: number }[] = [];
  readonly #secrets = new Map<string, NamedSecret>();
  readonly #notes: { readonly at: number; readonly who: string; readonly text: string }[] = [];

  read(source: string, text: string): void {
    this.texts.push({ source, text });
  }

  secret(name: string, text: string, isFixed = false): void {
    this.#secrets.set(text, { name, text, isFixed });
  }

  secrets(): readonly NamedSecret[] {
    return [...this.#secrets.values()];
  }

  note(who: string, text: string): void {
    this.#notes.push({ at: Date.now(), who, text });
  }

  /** Notes whose bearer's name holds any of the words. */
  notesOf(words: readonly string[]): readonly { readonly at: number; readonly text: string }[] {
    return this.#notes
      .filter(({ who }) => words.some((word) => who === word || who.startsWith(`${word}:`)))
      .map(({ at, who, text }) => ({ at, text: `runner ${who}: ${text}` }));
  }
}
