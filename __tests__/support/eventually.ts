const PAUSE_MS = 20;

/**
 * Asks again until something holds, for what announces itself by no event.
 * @returns whether it held within `timeoutMs`
 */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    if (await holds()) return true;
    if (Date.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
