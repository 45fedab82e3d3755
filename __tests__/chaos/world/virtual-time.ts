/**
 * The time that the ledger and the runners live in: this machine's, and what was skipped. Whoever waits in it is woken
 * when time is skipped, as the ledger's rows are aged; the Worker's own clock is never touched.
 */
export class VirtualTime {
  #skippedMs = 0;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now() + this.#skippedMs;
  }

  /** How much was skipped, in milliseconds. */
  get skippedMs(): number {
    return this.#skippedMs;
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
    for (const sleeper of [...this.#sleepers]) if (sleeper.until <= this.now()) sleeper.wake();
  }

  /** Ends after `ms`, or as soon as the signal says so. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        this.#sleepers.delete(sleeper);
        resolve();
      };
      const sleeper = { until: this.now() + ms, wake };
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(sleeper);
      if (signal.aborted) wake();
      else signal.addEventListener("abort", wake);
    });
  }
}
