import { parsePolicy } from "../../contracts/parse-policy";
import { CLASS_BOUNDS, MAX_LABELS, MAX_POLICY_BYTES } from "../../contracts/policy";

const CLASS = { name: "linux", job: "github-runner-linux", labels: ["self-hosted", "linux", "x64"] };
const LEAST = { repositories: ["octo-org/*"], classes: [CLASS] };
const SCOPE = {
  scope: "organization",
  repositories: ["octo-org/*", "octo-org/tool"],
  publicRepositories: ["octo-org/site"],
  forkPullRequests: "allow",
  requireSelfHostedLabel: false,
  runnerGroupId: 7,
};
const REST = {
  pools: [
    { scope: "octo-org", class: "linux", size: 4, window: "* 8-17 * * 1-5", timeZone: "Europe/Berlin" },
  ],
  cleanUp: "report",
  recovery: "off",
  redelivery: "off",
  classes: [
    {
      ...CLASS,
      maxRunners: 4,
      maxRunnersPerRepository: 2,
      pickupDeadlineSeconds: 60,
      idleTimeoutSeconds: 90,
      maxDurationSeconds: 3_600,
    },
  ],
};

const WHOLE = { ...SCOPE, ...REST };
const READ = { ok: true, policy: { ...REST, scopes: [SCOPE] } };

const problemsOf = (value: unknown): readonly string[] => {
  const parsed = parsePolicy(value);
  return parsed.ok ? [] : parsed.problems;
};

describe("a policy", () => {
  test("needs repositories and classes only, and every default is the closed one", () => {
    expect(parsePolicy(LEAST)).toEqual({
      ok: true,
      policy: {
        scopes: [
          {
            scope: "repository",
            repositories: ["octo-org/*"],
            publicRepositories: [],
            forkPullRequests: "refuse",
            requireSelfHostedLabel: true,
            runnerGroupId: 1,
          },
        ],
        pools: [],
        cleanUp: "delete",
        recovery: "on",
        redelivery: "on",
        classes: [
          {
            ...CLASS,
            maxRunners: 0,
            maxRunnersPerRepository: 0,
            pickupDeadlineSeconds: 300,
            idleTimeoutSeconds: 300,
            maxDurationSeconds: 21_600,
          },
        ],
      },
    });
  });

  test("may say everything, as an object or as its text", () => {
    expect(parsePolicy(WHOLE)).toEqual(READ);
    expect(parsePolicy(JSON.stringify(WHOLE))).toEqual(READ);
  });

  test.each([undefined, null, 5, [], "5", "null", "[]", "{", ""])("is none when it is %j", (value) => {
    expect(problemsOf(value)).toEqual([
      expect.stringMatching(/^policy: (must be a JSON object|is not JSON)/),
    ]);
  });

  test("is at most what a Worker's variable holds, in bytes and not in characters", () => {
    const padded = (unit: string, count: number) => JSON.stringify({ ...LEAST, note: unit.repeat(count) });
    const room = MAX_POLICY_BYTES - padded("", 0).length;
    expect(problemsOf(padded("x", room))).toEqual([]);
    expect(problemsOf(padded("x", room + 1))).toEqual([expect.stringContaining("at most 5000 bytes")]);
    expect(problemsOf(padded("\u00e9", Math.ceil((room + 1) / 2)))).toHaveLength(1);
    expect(problemsOf({ ...LEAST, note: "x".repeat(5_000) })).toHaveLength(1);
  });

  test.each([
    ["scope", { scope: "enterprise" }],
    ["repositories", { repositories: undefined }],
    ["repositories", { repositories: [] }],
    ["repositories", { repositories: "octo-org/*" }],
    ["repositories[0]", { repositories: ["octo-org"] }],
    ["repositories[1]", { repositories: ["octo-org/*", "a/b/c"] }],
    ["publicRepositories", { publicRepositories: {} }],
    ["publicRepositories[0]", { publicRepositories: [5] }],
    ["forkPullRequests", { forkPullRequests: true }],
    ["requireSelfHostedLabel", { requireSelfHostedLabel: "false" }],
    ["runnerGroupId", { runnerGroupId: 0 }],
    ["runnerGroupId", { runnerGroupId: "1" }],
    ["classes", { classes: undefined }],
    ["classes", { classes: [] }],
    ["classes", { classes: CLASS }],
  ])("with a wrong %s says so, with the value: %j", (at, changes) => {
    const [problem, ...more] = problemsOf({ ...LEAST, ...changes });
    expect(problem).toMatch(/: must be .*, got /);
    expect(problem?.startsWith(`${at}: `)).toBe(true);
    expect(more).toEqual([]);
  });

  test.each([
    ["name", { name: "Linux" }],
    ["job", { job: "a/b" }],
    ["labels", { labels: [] }],
    ["labels", { labels: "self-hosted" }],
    ["labels", { labels: Array.from({ length: MAX_LABELS + 1 }, () => "a") }],
    ["labels[1]", { labels: ["self-hosted", "a b"] }],
    ["maxRunners", { maxRunners: -1 }],
    ["maxRunners", { maxRunners: 1.5 }],
    ["idleTimeoutSeconds", { idleTimeoutSeconds: "300" }],
  ])("with a wrong %s of a class says so: %j", (field, changes) => {
    const problems = problemsOf({ ...LEAST, classes: [{ ...CLASS, ...changes }] });
    expect(problems).toEqual([expect.stringMatching(/^classes\[0\]\..*: must be .*, got /)]);
    expect(problems[0]).toContain(`classes[0].${field}: `);
  });

  test.each(Object.entries(CLASS_BOUNDS))("bounds a class's %s", (field, { min, max }) => {
    const withValue = (value: number) => problemsOf({ ...LEAST, classes: [{ ...CLASS, [field]: value }] });
    expect([withValue(min), withValue(max)]).toEqual([[], []]);
    expect(withValue(min - 1)).toHaveLength(1);
    expect(withValue(max + 1)).toHaveLength(1);
  });

  test("names each class once", () => {
    const problems = problemsOf({ ...LEAST, classes: [CLASS, { ...CLASS, name: "other" }, CLASS] });
    expect(problems).toEqual([expect.stringMatching(/^classes\[2\]\.name: .*unique/)]);
  });

  test("that is no class at all has all of a class's problems", () => {
    for (const item of [null, 5, "linux"]) {
      expect(problemsOf({ ...LEAST, classes: [item] }).length).toBeGreaterThanOrEqual(3);
    }
  });

  test("reports everything at once, each value cut short", () => {
    const problems = problemsOf({ scope: "x".repeat(500), repositories: [], classes: [] });
    expect(problems).toHaveLength(3);
    for (const problem of problems) expect(problem.length).toBeLessThan(200);
  });
});
