/** Workers keep at most six connections open at once.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections */
const AT_ONCE = 6;

/** Maps in order of the input, six at a time. `work` must not throw. */
export async function mapSixAtATime<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
  return results;
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
