import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FAULT_NAMES, faultSet } from "./plan/faults";
import { makePlan } from "./plan/plan";
import { describeBroken, describeSeed } from "./report";
import { runSabotage } from "./run-sabotage";
import { runSeed } from "./run-seed";
import { SABOTAGES, findSabotages, sabotaged } from "./sabotages";

const JOBS = 20;
/** What makes nobody wait for the eight seconds after which the Worker gives a call up. */
const BROKEN =
  "delivery,nomad-429,nomad-500,nomad-530,nomad-access,nomad-redirect,nomad-refuse,nomad-lose,github-403,github-409,github-422,github-5xx,runner,node,worker-kill,clocks";
/** On two cores that others use, too; alone it takes ten seconds. */
const MOST_MS = 150_000;

// The whole suite is `npm run test:chaos`; this shows that it plays, and that it finds something.
describe("the chaos suite", () => {
  test(
    "plays a seed with everything broken to its end, and all invariants hold",
    async () => {
      const result = await runSeed(makePlan(1, JOBS, faultSet(BROKEN)), { mostMs: MOST_MS });
      const told = [describeSeed(result), ...describeBroken(result, { jobs: JOBS, faultList: BROKEN })].join(
        "\n",
      );
      expect(told).toContain("all invariants hold");
      expect(result.jobs).toBe(JOBS);
      expect(result.struck.size).toBeGreaterThan(0);
    },
    MOST_MS + 30_000,
  );

  test.each(["grants-all", "token-of-its-own", "logs-claims"])(
    "finds the deliberate bug %s",
    async (name) => {
      const [sabotage] = findSabotages(name);
      if (sabotage === undefined) throw new Error(`there is no sabotage ${name}`);
      const { by } = await runSabotage({ ...sabotage, jobs: Math.min(sabotage.jobs, 40) }, 1, {
        mostMs: MOST_MS,
      });
      expect(by?.invariant.number).toBe(sabotage.invariant);
    },
    MOST_MS + 30_000,
  );

  test("has a deliberate bug for each invariant, each of which can be built", () => {
    expect(new Set(SABOTAGES.map(({ invariant }) => invariant))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
    const scripts = SABOTAGES.map(sabotaged);
    expect(new Set(scripts).size).toBe(SABOTAGES.length);
  });

  test("is described as it is: each fault, each deliberate bug", () => {
    const page = readFileSync(join(__dirname, "..", "..", "docs", "chaos.md"), "utf8");
    for (const fault of FAULT_NAMES) expect(page).toContain(`\`${fault}\``);
    for (const { name, bug } of SABOTAGES)
      expect(page).toMatch(new RegExp(`\\| \`${name}\` +\\| ${bug} +\\|`));
  });

  test("refuses a deliberate bug whose place is no longer there", () => {
    const [first] = SABOTAGES;
    if (first === undefined) throw new Error("there are no sabotages");
    expect(() => sabotaged({ ...first, text: "not in the source" })).toThrow(
      /it is there 0 times; write it anew/,
    );
  });

  test("shows of a violation whom it is about, what happened, and how to play it again", async () => {
    const plan = makePlan(3, 5, faultSet("none"));
    const invariant = { number: 1, name: "x" };
    const result = {
      ...{
        plan,
        jobs: 5,
        completed: 4,
        dispatches: 5,
        deliveries: 9,
        redeliveries: 0,
        recovered: 0,
        forged: 0,
        kills: 0,
        drainMs: 0,
        seconds: 1,
      },
      struck: new Map<string, number>(),
      broken: [{ invariant, subject: "1", what: "it waits", timeline: ["5 ms  GitHub: job.queued"] }],
    };
    expect(describeBroken(result, { jobs: 5, faultList: "none" }).join("\n")).toBe(
      "  VIOLATED 1, x: it waits\n    5 ms  GitHub: job.queued\n  faults: none\n  replay: npm run test:chaos -- --seed 3 --jobs 5 --faults none",
    );
    expect(describeSeed(result)).toContain("1 VIOLATIONS");
    return Promise.resolve();
  });
});
