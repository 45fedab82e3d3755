import type { RunnerPool } from "../../../contracts/policy";
import { poolSize, poolsAt, wantedSize } from "../../../worker/pools";
import { policy } from "./support/policies";

const SCOPE = "octo-org/example";
/** A Wednesday, 12:00 in Berlin. */
const WEDNESDAY = Date.parse("2026-11-18T11:00:00Z");
const WORKDAYS = { window: "* 8-17 * * 1-5", timeZone: "Europe/Berlin" };

const pool = (changes: Partial<RunnerPool> = {}): RunnerPool => ({
  scope: SCOPE,
  class: "linux",
  size: 2,
  window: null,
  timeZone: "UTC",
  ...changes,
});
const at = (now: number, ...pools: RunnerPool[]) => poolsAt({ ...policy(), pools }, now);
const hours = (count: number): number => count * 3_600_000;

describe("the pools at a moment", () => {
  test("one without a window is open at all times", () => {
    expect(at(WEDNESDAY, pool())).toEqual([{ scope: SCOPE, class: "linux", size: 2, open: true }]);
    expect(at(0, pool())).toMatchObject([{ open: true }]);
  });

  test("one with a window is open in it, by the clock of its time zone", () => {
    const open = (now: number): boolean | undefined => at(now, pool(WORKDAYS))[0]?.open;
    expect(open(WEDNESDAY)).toBe(true);
    // 17:59 and 18:00, 7:59 and 8:00.
    expect(open(WEDNESDAY + hours(5) + 3_540_000)).toBe(true);
    expect(open(WEDNESDAY + hours(6))).toBe(false);
    expect(open(WEDNESDAY - hours(4) - 1)).toBe(false);
    expect(open(WEDNESDAY - hours(4))).toBe(true);
    // Saturday.
    expect(open(WEDNESDAY + hours(72))).toBe(false);
  });

  test("the larger of two open ones counts, an open one before a larger that is closed", () => {
    const big = pool({ ...WORKDAYS, size: 9 });
    expect(at(WEDNESDAY, pool(), big)).toMatchObject([{ size: 9, open: true }]);
    expect(at(WEDNESDAY, big, pool())).toMatchObject([{ size: 9, open: true }]);
    expect(at(WEDNESDAY + hours(6), pool(), big)).toMatchObject([{ size: 2, open: true }]);
    expect(at(WEDNESDAY + hours(6), big, pool())).toMatchObject([{ size: 2, open: true }]);
  });

  test("of two closed ones the larger is shown", () => {
    const small = pool({ ...WORKDAYS, size: 1 });
    const big = pool({ ...WORKDAYS, size: 3 });
    const [first] = at(WEDNESDAY + hours(6), small, big);
    expect(first).toMatchObject({ size: 3, open: false });
    expect(at(WEDNESDAY + hours(6), big, small)).toMatchObject([{ size: 3, open: false }]);
  });

  test("scopes are told apart as GitHub does, classes by every letter", () => {
    const others = [
      pool({ scope: SCOPE.toUpperCase(), size: 3 }),
      pool({ class: "Linux" }),
      pool({ scope: "me/tool" }),
    ];
    expect(
      at(WEDNESDAY, pool(), ...others).map(({ scope, class: name, size }) => [scope, name, size]),
    ).toEqual([
      [SCOPE.toUpperCase(), "linux", 3],
      [SCOPE, "Linux", 2],
      ["me/tool", "linux", 2],
    ]);
  });

  test("one with an unknown time zone is closed, but only where it has a window", () => {
    expect(at(WEDNESDAY, pool({ ...WORKDAYS, timeZone: "Middle/Earth" }))).toMatchObject([{ open: false }]);
    expect(at(WEDNESDAY, pool({ timeZone: "Middle/Earth" }))).toMatchObject([{ open: true }]);
  });

  test("one with a window that nobody can read is closed", () => {
    expect(at(WEDNESDAY, pool({ window: "now and then" }))).toMatchObject([{ open: false }]);
  });
});

describe("a pool's size", () => {
  const given = { ...policy(), pools: [pool(), pool({ ...WORKDAYS, size: 4 })] };

  test("wanted now is that of what is open, and nothing where there is no pool", () => {
    expect(wantedSize(given, SCOPE.toUpperCase(), "linux", WEDNESDAY)).toBe(4);
    expect(wantedSize(given, SCOPE, "linux", WEDNESDAY + hours(6))).toBe(2);
    expect(wantedSize(given, SCOPE, "gpu", WEDNESDAY)).toBe(0);
    expect(wantedSize(given, "octo-org/other", "linux", WEDNESDAY)).toBe(0);
    expect(wantedSize({ ...given, pools: [pool(WORKDAYS)] }, SCOPE, "linux", WEDNESDAY + hours(6))).toBe(0);
  });

  test("at its largest is at least one, for runners whose pool is no more", () => {
    expect(poolSize(given, SCOPE.toUpperCase(), "linux")).toBe(4);
    expect(poolSize(given, "octo-org/other", "linux")).toBe(1);
  });
});
