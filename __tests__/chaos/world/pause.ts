/** Ends early, without a word, when the signal comes. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}

/** Whether a signal has come by now; said as a question anew each time, since a wait may have passed. */
export function hasCome(signal: AbortSignal): boolean {
  return signal.aborted;
}
