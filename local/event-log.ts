/** When something happened, in milliseconds since the epoch. */
export interface Stamped {
  readonly at: number;
}

type Listener<E> = (event: E & Stamped) => void;

/**
 * What a stand-in did, in order, each with its time: what the demo's timeline is drawn from and what tests wait for.
 * Keeps everything until it is thrown away; a run has some thousand events at most.
 */
export class EventLog<E extends { readonly type: string }> {
  readonly #events: (E & Stamped)[] = [];
  readonly #listeners = new Set<Listener<E>>();

  emit(event: E): void {
    const stamped = { ...event, at: Date.now() };
    this.#events.push(stamped);
    for (const listener of [...this.#listeners]) listener(stamped);
  }

  /** @returns takes the listener away again */
  on(_event: "event", listener: Listener<E>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  all(): readonly (E & Stamped)[] {
    return [...this.#events];
  }

  /**
   * Waits for the first event that matches, those that already happened included.
   * @param what for the error text: what was awaited
   * @throws Error when none matched within `timeoutMs`, with the last events for the reader
   */
  async waitFor<T extends E>(
    match: (event: E & Stamped) => boolean,
    what: string,
    timeoutMs = 10_000,
  ): Promise<T & Stamped> {
    const before = this.#events.find(match);
    if (before !== undefined) return before as unknown as T & Stamped;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        off();
        const last = this.#events.slice(-5).map((event) => event.type);
        reject(
          new Error(
            `waited ${String(timeoutMs)} ms for ${what}; the last events were ${last.join(", ") || "none"}`,
          ),
        );
      }, timeoutMs);
      const off = this.on("event", (event) => {
        if (!match(event)) return;
        clearTimeout(timer);
        off();
        resolve(event as unknown as T & Stamped);
      });
    });
  }
}
