/** Runners whose node sleeps until everything else is over. */
export class Sleepers {
  #wake: (() => void) | null = null;
  readonly #woken = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });

  /** Ends when all are woken, or the node is gone. */
  async sleep(gone: AbortSignal): Promise<void> {
    const end = new Promise<void>((resolve) => {
      if (gone.aborted) resolve();
      else {
        gone.addEventListener(
          "abort",
          () => {
            resolve();
          },
          { once: true },
        );
      }
    });
    await Promise.race([this.#woken, end]);
  }

  wake(): void {
    this.#wake?.();
  }
}
