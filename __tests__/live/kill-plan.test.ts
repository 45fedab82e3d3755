import { type Kill, KillPlan } from "./lifecycle/kill-plan";
import { Random } from "./lifecycle/random";

function ends(plan: KillPlan, runners: number): readonly (Kill | null)[] {
  return Array.from({ length: runners }, () => plan.next());
}

describe("the plan of kills", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(ends(new KillPlan(1, 0.3, 10), 200)).toEqual(ends(new KillPlan(1, 0.3, 10), 200));
    expect(ends(new KillPlan(1, 0.3, 10), 200)).not.toEqual(ends(new KillPlan(2, 0.3, 10), 200));
  });

  it.each([1, 7, 4_294_967_295])("has three of every ten runners, seed %d", (seed) => {
    const all = ends(new KillPlan(seed, 0.3, 10), 300);
    for (let block = 0; block < 300; block += 10)
      expect(all.slice(block, block + 10).filter((kill) => kill !== null)).toHaveLength(3);
  });

  it("has every moment and every means among two hundred runners", () => {
    const kills = ends(new KillPlan(3, 0.3, 10), 200).filter((kill) => kill !== null);
    expect(new Set(kills.map(({ moment }) => moment)).size).toBe(5);
    expect(new Set(kills.map(({ means }) => means)).size).toBe(4);
  });

  it("lets as many go unheard as it was told, and none that is at work", () => {
    const kills = ends(new KillPlan(5, 0.3, 4), 300).filter((kill) => kill !== null);
    const unheard = kills.filter((kill) => kill.unheard);
    expect(unheard).toHaveLength(4);
    expect(unheard.filter(({ moment }) => moment === "working")).toEqual([]);
  });

  it("gives an end that did not come about to the next runner that may live", () => {
    const plan = new KillPlan(1, 0, 0);
    const kill: Kill = { moment: "working", means: "signal", delayMs: 5, unheard: false };
    expect(plan.next()).toBeNull();
    plan.giveBack(kill);
    expect(plan.next()).toEqual(kill);
    expect(plan.next()).toBeNull();
  });
});

describe("seeded numbers", () => {
  it("stay within their bounds and reach both", () => {
    const random = new Random(9);
    const seen = new Set(Array.from({ length: 200 }, () => random.between(2, 5)));
    expect([...seen].sort()).toEqual([2, 3, 4, 5]);
  });

  it("shuffle without losing anything, and choose from nothing loudly", () => {
    const random = new Random(9);
    expect(random.shuffled([1, 2, 3, 4, 5]).sort()).toEqual([1, 2, 3, 4, 5]);
    expect(() => random.pick([])).toThrow("nothing to choose from");
  });
});
