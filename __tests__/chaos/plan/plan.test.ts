import { deliveryFate, runnerFate } from "./fates";
import { faultSet } from "./faults";
import { makePlan } from "./plan";
import { ServiceFaults, aboutGithub } from "./service-faults";

const plan = (seed: number, faults = "all") => makePlan(seed, 200, faultSet(faults));
const runners = Array.from({ length: 400 }, (_, index) => `j${String(index)}:1`);

describe("the plan of a seed", () => {
  test("is the same each time, and another for another seed", () => {
    const told = (seed: number) => JSON.stringify({ ...plan(seed), faults: null });
    expect(told(3)).toBe(told(3));
    expect(told(3)).not.toBe(told(4));
  });

  test("draws for a runner, a delivery and a request by their names, in whatever order they come", () => {
    const one = plan(3);
    const other = plan(3);
    const forwards = runners.map((name) => runnerFate(one, name, 0));
    const backwards = [...runners].reverse().map((name) => runnerFate(other, name, 0));
    expect(backwards.reverse()).toEqual(forwards);
    const first = new ServiceFaults(one);
    const second = new ServiceFaults(other);
    second.github("GET /something else");
    expect(runners.map((name) => second.nomad(name))).toEqual(runners.map((name) => first.nomad(name)));
  });

  test("loses a tenth of the deliveries, half of them without a trace", () => {
    const one = plan(3);
    const fates = runners.map((name) => deliveryFate(one, name, "queued"));
    const dropped = fates.filter(({ drop }) => drop === true).length;
    const failed = fates.filter(({ fail }) => fail === true).length;
    expect(dropped + failed).toBeGreaterThan(20);
    expect(dropped + failed).toBeLessThan(60);
    expect(Math.min(dropped, failed)).toBeGreaterThan(5);
  });

  test("ends runners at every step, and in every way", () => {
    const plans = Array.from({ length: 20 }, (_, seed) => makePlan(seed, 1, faultSet("all")));
    const ends = plans.flatMap((one) => runners.map((name) => runnerFate(one, name, 0).end));
    expect(new Set(ends.map((end) => end?.step))).toHaveProperty("size", 8);
    expect(new Set(ends.map((end) => end?.how))).toHaveProperty("size", 5);
  });

  test("has each kind of job in a short run", () => {
    const { jobs } = makePlan(5, 60, faultSet("none"));
    expect(jobs).toHaveLength(60);
    expect(jobs.some(({ cancelAt }) => cancelAt !== null)).toBe(true);
    expect(jobs.some(({ approveAt }) => approveAt !== null)).toBe(true);
    expect(jobs.filter(({ served }) => served === null).length).toBeGreaterThan(3);
    expect(new Set(jobs.map(({ key }) => key)).size).toBe(60);
  });

  test("without a fault strikes nothing", () => {
    const calm = plan(3, "none");
    expect([calm.outages, calm.kills, calm.skewMs]).toEqual([[], [], 0]);
    expect(
      runners.every((name) => runnerFate(calm, name, 0).end === null && !runnerFate(calm, name, 0).late),
    ).toBe(true);
    expect(runners.every((name) => deliveryFate(calm, name, "queued").copies === 1)).toBe(true);
    expect(runners.every((name) => new ServiceFaults(calm).nomad(name) === null)).toBe(true);
  });

  test("with one fault strikes with that one only, and with none once faults are over", () => {
    const faults = new ServiceFaults(plan(3, "nomad-429"));
    const struck = runners.map((name) => faults.nomad(name)).filter((fault) => fault !== null);
    expect(struck.length).toBeGreaterThan(20);
    expect(struck.every((fault) => fault.kind === "answer" && fault.status === 429)).toBe(true);
    expect(runners.every((name) => faults.github(name) === null)).toBe(true);
    faults.active = false;
    expect(runners.every((name) => faults.nomad(name) === null)).toBe(true);
  });
});

describe("a request to GitHub, by what it is about", () => {
  const names = (id: string): string => ({ "52000000001": "j1", "17": "linux-j1-1" })[id] ?? id;

  test.each([
    [
      "POST",
      "/repos/o/r/actions/runners/generate-jitconfig",
      '{"name":"abc123-linux-52000000001-2"}',
      "POST /repos/o/r/actions/runners/generate-jitconfig linux-j1-2",
    ],
    ["GET", "/repos/o/r/actions/jobs/52000000001", "", "GET /repos/o/r/actions/jobs/j1 "],
    ["DELETE", "/repos/o/r/actions/runners/17", "", "DELETE /repos/o/r/actions/runners/linux-j1-1 "],
    [
      "GET",
      "/repos/o/r/actions/runners?name=abc123-linux-52000000001-1&per_page=100",
      "",
      "GET /repos/o/r/actions/runners linux-j1-1",
    ],
  ])("%s %s has no id of the run in it", (method, path, body, about) => {
    expect(aboutGithub({ method, path, body }, names)).toBe(about);
  });
});
