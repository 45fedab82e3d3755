import { Screen, type Terminal } from "../../local/demo/screen";
import type { Scene } from "../../local/demo/timeline";
import { runProgram } from "./support/program";

interface Shown {
  readonly ok: boolean;
  readonly totals: Record<string, number>;
  readonly expectations: readonly { readonly text: string; readonly ok: boolean }[];
  readonly scenes: readonly {
    readonly title: string;
    readonly rows: readonly { readonly steps: Record<string, number> }[];
  }[];
}

describe("npm run demo", () => {
  test("plays every scene as expected and says the same as data", async () => {
    const demo = runProgram("local/demo/main.ts", ["--json"], {});
    const code = await demo.code;
    const shown = JSON.parse(demo.stdout()) as Shown;
    expect(shown.expectations.filter(({ ok }) => !ok)).toEqual([]);
    expect([code, shown.ok, demo.stderr()]).toEqual([0, true, ""]);
    expect(shown.totals).toMatchObject({
      jobs: 26,
      jobsRun: 23,
      jobsIgnored: 2,
      dispatches: 24,
      runnersStarted: 23,
      runnersLeft: 0,
      forgedRefused: 2,
      duplicatesAbsorbed: 2,
    });
    expect(shown.totals["queuedToRunningP50"]).toBeGreaterThan(0);
    expect(shown.scenes.map(({ rows }) => rows.length)).toEqual([4, 2, 1, 2, 1, 2, 16]);
    const [first] = shown.scenes[0]?.rows ?? [];
    expect(Object.keys(first?.steps ?? {}).sort()).toEqual([
      "accepted",
      "claimed",
      "delivery",
      "dispatched",
      "done",
      "running",
    ]);
  }, 90_000);

  test("ends with 1 and the runner's own words when no runner can start", async () => {
    // Without any program on the PATH a runner's script finds neither curl nor sleep.
    const demo = runProgram("local/demo/main.ts", ["--json"], { PATH: "/nonexistent" });
    expect(await demo.code).toBe(1);
    expect(demo.stderr()).toContain('the task "runner" ended with');
  }, 90_000);
});

describe("the demo's screen", () => {
  const scene = (): Scene => ({
    title: "A scene",
    text: "What it shows.",
    rows: [
      {
        jobId: 1,
        name: "first",
        labels: [],
        steps: { delivery: 0, accepted: 7 },
        queuedAt: 0,
        ending: null,
        note: "",
        answers: [],
      },
      {
        jobId: 2,
        name: "second",
        labels: [],
        steps: { delivery: 0 },
        queuedAt: 0,
        ending: "ignored",
        note: "x".repeat(200),
        answers: [],
      },
    ],
  });
  const draw = (more: Partial<Terminal>): string => {
    let text = "";
    const terminal = { live: false, colours: false, height: 40, width: 120, ...more };
    const screen = new Screen({ ...terminal, write: (part) => (text += part) });
    const drawn = scene();
    screen.begin(drawn);
    const [first] = drawn.rows;
    screen.changed();
    if (first !== undefined) {
      first.steps.done = 99;
      first.ending = "done";
    }
    screen.finish();
    return text;
  };

  test("writes each row once, without any control character, where lines cannot be drawn over", () => {
    const text = draw({});
    expect(text).not.toContain("\u001b");
    expect(text.split("\n").filter((line) => line.includes("first"))).toEqual([
      expect.stringMatching(/ 7 ms .* 99 ms {2}✓$/),
    ]);
  });

  test("colours only where they are wanted", () => {
    expect(draw({ colours: true })).toContain("\u001b[32m");
    expect(draw({ colours: false, live: true })).not.toContain("\u001b[32m");
  });

  test("cuts what would not fit a live terminal, and does not draw over in one that is too small", () => {
    const rows = draw({ live: true, width: 120 })
      .split("\n")
      .filter((line) => line.includes("second"));
    const sequence = new RegExp(`${String.fromCharCode(27)}\\[[0-9]*[A-Za-z]`, "g");
    for (const row of rows) expect(row.replace(sequence, "").length).toBeLessThanOrEqual(120);
    expect(draw({ live: true, width: 60 })).not.toContain("\u001b[2K");
    expect(draw({ live: true, height: 4 })).not.toContain("\u001b[2K");
  });
});
