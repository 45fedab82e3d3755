import type { SynthesisResults } from "../results";
import type { Stage } from "../stage";
import { spreadOf } from "../statistics";
import { type Synthesis, synthesis, synthesize } from "../synthesis";

/** The stack of `main.ts` and an empty app, in turns; `npm run bench:synth` measures it by size. */
export function measureSynthesis(stage: Stage): Promise<SynthesisResults> {
  const apps = {
    floor: synthesis("an empty app", "bench/apps/floor.ts"),
    main: synthesis("main.ts", "main.ts"),
  };
  const times: Record<keyof typeof apps, number[]> = { floor: [], main: [] };
  for (let round = -1; round < (stage.quick ? 1 : 3); round++) {
    for (const name of ["floor", "main"] as const) {
      const took = timeOf(apps[name]);
      if (round >= 0) times[name].push(took);
    }
  }
  return Promise.resolve({ main: spreadOf(times.main), floor: spreadOf(times.floor) });
}

function timeOf(one: Synthesis): number {
  const { milliseconds, failure } = synthesize(one);
  if (failure !== undefined) throw new Error(`${one.name} failed:\n${failure}`);
  return milliseconds;
}
