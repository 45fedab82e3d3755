/** Numbers that look random and are the same for the same seed. */
export class Random {
  #state: number;

  /** @param seed any whole number; its lowest 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** @returns a number from 0 up to, and without, 1
   *  @see https://en.wikipedia.org/wiki/Weyl_sequence (a Weyl sequence, stirred) */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let stirred = this.#state;
    stirred = Math.imul(stirred ^ (stirred >>> 16), 0x85ebca6b);
    stirred = Math.imul(stirred ^ (stirred >>> 13), 0xc2b2ae35);
    return ((stirred ^ (stirred >>> 16)) >>> 0) / 2 ** 32;
  }

  /** @returns a whole number from `least` to `most`, both included */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** @throws Error when there is nothing to choose from */
  pick<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.next() * choices.length)];
    if (chosen === undefined) throw new Error("there is nothing to choose from");
    return chosen;
  }

  /** @returns the same things in another order */
  shuffled<T>(things: readonly T[]): T[] {
    return things
      .map((thing) => ({ thing, key: this.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ thing }) => thing);
  }
}
