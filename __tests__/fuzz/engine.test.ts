import { join } from "node:path";
import * as fc from "fast-check";
import { Random } from "../live/lifecycle/random";
import { Coverage } from "./coverage";
import { type Target, fuzz } from "./engine";
import { type Json, textOf } from "./json";
import { isThrough } from "./maze";
import { mutate } from "./mutate";
import { shrink } from "./shrink";

/** Fails for the one word that leads through the maze. */
const maze: Target = {
  name: "maze",
  inputs: fc.string({ maxLength: 8 }),
  seeds: () => ["....."],
  check: (input) => {
    if (isThrough(textOf(input))) throw new Error(`goes through: ${textOf(input)}`);
  },
};

const MOST_RUNS = 200_000;

describe("fuzzing", () => {
  const run = async (coverage: Coverage | null, seed = 1) =>
    fuzz(maze, { seed, goOn: (runs) => runs < MOST_RUNS, coverage, corpus: [] });

  test("finds its way by the code that it reaches, and makes what it found small", async () => {
    const coverage = new Coverage([join(__dirname, "maze.ts")]);
    const { failure, found } = await run(coverage);
    coverage.stop();
    expect(failure).toMatchObject({ input: "open", error: { message: "goes through: open" } });
    expect(found).toBe(3);
    expect(coverage.reached()).toBeGreaterThan(0);
  });

  test("does not get there by chance", async () => {
    expect(await run(null)).toMatchObject({ failure: null, found: 0 });
  });

  test("goes the same way for the same seed", async () => {
    const inputs = async (seed: number): Promise<readonly Json[]> => {
      const seen: Json[] = [];
      const target: Target = { ...maze, check: (input) => void seen.push(input) };
      await fuzz(target, { seed, goOn: (runs) => runs < 300, coverage: null, corpus: ["kept"] });
      return seen;
    };
    expect(await inputs(5)).toEqual(await inputs(5));
    expect(await inputs(5)).not.toEqual(await inputs(6));
    expect((await inputs(5)).slice(0, 2)).toEqual([".....", "kept"]);
  });

  test("ends at the first input that fails, be it one that was kept", async () => {
    const options = { seed: 1, goOn: () => true, coverage: null, corpus: ["shut", "opened", "more"] };
    const result = await fuzz(maze, options);
    expect(result.failure?.input).toBe("open");
  });
});

describe("an input", () => {
  const start: Json = { body: '{"a":[1,2,{"b":"text"}]}', list: ["x", null, true], number: 7 };

  test("is changed in one of many ways, and stays JSON", () => {
    const random = new Random(3);
    const before = JSON.stringify(start);
    const changed = Array.from({ length: 500 }, () => JSON.stringify(mutate(start, random, [start])));
    expect(new Set(changed).size).toBeGreaterThan(300);
    expect(changed.filter((one) => one === before).length).toBeLessThan(60);
    expect(JSON.stringify(start)).toBe(before);
    // A text of JSON is changed within.
    const bodies = changed.map((one) => (JSON.parse(one) as { body?: unknown } | null)?.body);
    const valid = bodies.filter(
      (one) =>
        typeof one === "string" && one !== (start as { body: string }).body && /^\{"a":.*\}$/.test(one),
    );
    expect(valid.length).toBeGreaterThan(50);
  });

  test("is made as small as what is asked of it allows", async () => {
    const small = await shrink(start, async (one) => Promise.resolve(JSON.stringify(one).includes("b")));
    expect(JSON.stringify(small).length).toBeLessThan(JSON.stringify(start).length / 2);
    expect(await shrink(start, async () => Promise.resolve(false))).toEqual(start);
    expect(
      await shrink({ n: 700, s: "abcXdef" }, async (one) => Promise.resolve(/X/.test(JSON.stringify(one)))),
    ).toEqual({ s: "X" });
  });
});
