/** What is wrong with a generation in `prop`, one sentence. */
export function generationProblems(prop: string, generation: number): string[] {
  if (Number.isSafeInteger(generation) && generation >= 1) return [];
  return [
    `${prop}: must be a whole number from 1, got ${String(generation)}; begin with 1 and add 1 for each rotation`,
  ];
}
