/** Headers as pairs, those that came twice as two. */
export function headerPairs(headers: {
  forEach(each: (value: string, name: string) => void): void;
}): [string, string][] {
  const pairs: [string, string][] = [];
  headers.forEach((value, name) => {
    pairs.push([name, value]);
  });
  return pairs;
}
