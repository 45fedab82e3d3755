import { synthesis, synthesize } from "../../bench/synthesis";

const sized = (environment: Readonly<Record<string, string>>): ReturnType<typeof synthesize> =>
  synthesize(synthesis("sized", "bench/apps/sized.ts", environment));

describe("a measured synthesis", () => {
  test("runs the app to its end and tells the time", () => {
    const { milliseconds, failure } = synthesize(synthesis("floor", "bench/apps/floor.ts"));
    expect(failure).toBeUndefined();
    expect(milliseconds).toBeGreaterThan(10);
  });

  test("of many repositories passes the stack's checks", () => {
    expect(sized({ BENCH_REPOSITORIES: "10000", BENCH_CLASSES: "1" }).failure).toBeUndefined();
  });

  test("of a hundred classes is refused for the size of the policy, and passes without the checks", () => {
    const environment = { BENCH_REPOSITORIES: "1", BENCH_CLASSES: "100" };
    expect(sized(environment).failure).toMatch(/policy: must be at most 5000 bytes of JSON, got \d{5}/);
    expect(sized({ ...environment, BENCH_SKIP_VALIDATION: "1" }).failure).toBeUndefined();
  });

  test("of no size is an error, not a measurement", () => {
    expect(sized({ BENCH_REPOSITORIES: "none", BENCH_CLASSES: "1" }).failure).toContain(
      'BENCH_REPOSITORIES: must be a whole number from 1, got "none"',
    );
  });
});
