/** Runners whose node sleeps until everything else is over. */
export class Sleepers {
  /** Names of those that sleep, or did. */
  readonly names = new Set<string>();
  #wake: (() => void) | null = null;
  readonly #woken = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });

  /** Ends when all are woken, or the node is gone. */
  async sleep(name: string, gone: AbortSignal): Promise<void> {
    this.names.add(name);
    const end = new Promise<void>((resolve) => {
      const over = (): void => {
        this.names.delete(name);
        resolve();
      };
      if (gone.aborted) over();
      else gone.addEventListener("abort", over, { once: true });
    });
    await Promise.race([this.#woken, end]);
  }

  wake(): void {
    this.#wake?.();
  }
}
