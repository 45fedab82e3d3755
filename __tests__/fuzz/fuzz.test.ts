import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readCorpus } from "./corpus";
import { errorOf } from "./engine";
import { TARGETS } from "./targets";

/** The seed is the same on every machine, so that a change is blamed for what it did; `npm run test:fuzz` takes a new one
 *  each time. */
const TEN_SECONDS = ["--seconds", "10", "--seed", "20261121"];

describe("what reads texts from outside", () => {
  test("has a corpus for each target, and for nothing else", () => {
    const names = TARGETS.map(({ name }) => name);
    expect(readdirSync(join(__dirname, "corpus")).sort()).toEqual([...names].sort());
    for (const name of names) expect(readCorpus(name).length).toBeGreaterThan(0);
  });

  test.each(TARGETS)(
    "holds its properties for the whole corpus, and for what is published: $name",
    async (target) => {
      const published = target.seeds().map((input, index) => ({ name: `published ${String(index)}`, input }));
      for (const { name, input } of [...readCorpus(target.name), ...published])
        expect({ name, error: await errorOf(target, input) }).toEqual({ name, error: null });
    },
  );

  // In a process of its own: V8 counts blocks only in functions that nothing has run yet.
  test("holds its properties for new inputs, for ten seconds", () => {
    const program = [require.resolve("tsx/cli"), join(__dirname, "main.ts"), ...TEN_SECONDS];
    const { status, stdout, stderr } = spawnSync(process.execPath, program, {
      encoding: "utf8",
      timeout: 90_000,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const { name } of TARGETS)
      expect(stdout).toMatch(new RegExp(`^${name} +[1-9]\\d{2,} inputs in `, "m"));
  }, 120_000);
});
