import { isInWindow, parseCronWindow } from "../../contracts/cron-window";

const sorted = (set: ReadonlySet<number> | undefined): number[] => [...(set ?? [])].sort((a, b) => a - b);

function open(text: string, timeZone: string, at: string): boolean {
  const window = parseCronWindow(text);
  if (window === null) throw new Error(`${text} is not a window`);
  return isInWindow(window, timeZone, Date.parse(at));
}

describe("a cron window", () => {
  it("reads numbers, stars, lists, ranges and steps", () => {
    const window = parseCronWindow("0,30 8-17 1-31/10 */4 1-5");
    expect(sorted(window?.minutes)).toEqual([0, 30]);
    expect(sorted(window?.hours)).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    expect(sorted(window?.days)).toEqual([1, 11, 21, 31]);
    expect(sorted(window?.months)).toEqual([1, 5, 9]);
    expect(sorted(window?.weekdays)).toEqual([1, 2, 3, 4, 5]);
  });

  it("takes a step from a number on to the end, and 7 for Sunday", () => {
    expect(sorted(parseCronWindow("50/5 * * * 7")?.minutes)).toEqual([50, 55]);
    expect(sorted(parseCronWindow("* * * * 7")?.weekdays)).toEqual([0]);
    expect(sorted(parseCronWindow("* * * * 0-7")?.weekdays)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it.each([
    "",
    "*",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 0 *",
    "* * * 13 *",
    "* * * * 8",
    "5-1 * * * *",
    "*/0 * * * *",
    "1-2-3 * * * *",
    "a * * * *",
    "@daily",
    "* *  * * *",
    "1, * * * *",
    "* * * * MON",
    "-1 * * * *",
    `${"1,".repeat(120)}1 * * * *`,
  ])("is none when it is %j", (text) => {
    expect(parseCronWindow(text)).toBeNull();
  });

  it("is open in the minutes it names, in its time zone", () => {
    const office = "* 8-17 * * 1-5";
    // A Wednesday in summer: Berlin is two hours ahead.
    expect(open(office, "Europe/Berlin", "2026-07-01T05:59:59Z")).toBe(false);
    expect(open(office, "Europe/Berlin", "2026-07-01T06:00:00Z")).toBe(true);
    expect(open(office, "Europe/Berlin", "2026-07-01T15:59:59Z")).toBe(true);
    expect(open(office, "Europe/Berlin", "2026-07-01T16:00:00Z")).toBe(false);
    expect(open(office, "UTC", "2026-07-01T16:00:00Z")).toBe(true);
  });

  it("follows the clocks when they change", () => {
    expect(open("* 8 * * *", "Europe/Berlin", "2026-01-15T07:30:00Z")).toBe(true);
    expect(open("* 8 * * *", "Europe/Berlin", "2026-07-15T07:30:00Z")).toBe(false);
    expect(open("* 8 * * *", "Europe/Berlin", "2026-07-15T06:30:00Z")).toBe(true);
  });

  it("takes the day of the week from the zone, not from UTC", () => {
    // Sunday evening in UTC is Monday morning in Auckland.
    expect(open("* * * * 1", "Pacific/Auckland", "2026-07-05T20:00:00Z")).toBe(true);
    expect(open("* * * * 1", "UTC", "2026-07-05T20:00:00Z")).toBe(false);
  });

  it("is open at midnight when it names the hour 0", () => {
    expect(open("0 0 * * *", "UTC", "2026-07-05T00:00:30Z")).toBe(true);
    expect(open("0 0 1 1 *", "UTC", "2026-01-01T00:00:00Z")).toBe(true);
  });

  it("wants both of its day fields to fit", () => {
    expect(open("* * 1 * 1", "UTC", "2026-06-01T12:00:00Z")).toBe(true);
    expect(open("* * 1 * 1", "UTC", "2026-06-08T12:00:00Z")).toBe(false);
  });

  it("throws at a time zone that does not exist", () => {
    expect(() => open("* * * * *", "Mars/Olympus", "2026-01-01T00:00:00Z")).toThrow(RangeError);
  });
});
