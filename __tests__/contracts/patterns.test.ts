import * as fc from "fast-check";
import * as patterns from "../../contracts/patterns";

const { cleanJobName, isId, matches } = patterns;

/** Name of the pattern, texts that fit, texts that do not. */
const TABLE: readonly (readonly [string, RegExp, readonly string[], readonly string[]])[] = [
  [
    "an owner",
    patterns.OWNER,
    ["octo-org", "a", "me_corp", "9a", "x".repeat(100)],
    ["-a", "_a", "a.b", "a/b", "x".repeat(101)],
  ],
  [
    "a repository",
    patterns.REPOSITORY,
    [".github", "a.b-c_d", "...", "x".repeat(100)],
    [".", "..", "a/b", "a b", "x".repeat(101)],
  ],
  [
    "a full name",
    patterns.REPOSITORY_FULL_NAME,
    ["octo-org/example", "a/.github", "me_corp/x"],
    ["a", "a/", "/a", "a/.", "a/..", "a/b/c", "a//b", "../a/b", "a/b%2f"],
  ],
  [
    "a repository pattern",
    patterns.REPOSITORY_PATTERN.pattern,
    ["octo-org/*", "*/*", "a*/b*c"],
    ["*", "**", "a/b/*", "-*/a", "a/..", "a/[b]", "a/b?"],
  ],
  [
    "a delivery",
    patterns.DELIVERY_GUID,
    ["72d3162e-cc78-11e3-81ab-4c9367dc0958"],
    ["a_b", "a b", "x".repeat(65)],
  ],
  [
    "a cleaned job name",
    patterns.JOB_NAME,
    ["build (a, b) / c #1 @x=+:."],
    ["a\tb", "a$b", "a'b", "{", "x".repeat(101)],
  ],
  [
    "a class name",
    patterns.CLASS_NAME.pattern,
    ["linux", "a", "x64-gpu", "a".repeat(24)],
    ["Linux", "-a", "a-", "a_b", "a".repeat(25)],
  ],
  [
    "a Nomad job id",
    patterns.NOMAD_JOB_ID.pattern,
    ["github-runner-linux", "a.b_c"],
    ["-a", "a/b", "a b", "x".repeat(129)],
  ],
  [
    "a label",
    patterns.RUNNER_LABEL.pattern,
    ["self-hosted", "os:linux/x64", "a=b+c"],
    ["-a", "a,b", "a b", "x".repeat(257)],
  ],
  ["a runner's name", patterns.RUNNER_NAME, ["a1b2c3-linux-1-1"], ["-a", "a b", "a/b", "x".repeat(65)]],
  ["a holder", patterns.HOLDER, ["5456bd7a-9fc0-c0dd-6131-cbee77f57577"], ["a_b", "a.b", "x".repeat(65)]],
  [
    "an exit code",
    patterns.EXIT_CODE,
    ["0", "7", "37", "143", "255"],
    ["00", "037", "256", "-1", "1000", "3 7"],
  ],
];

describe("a field's shape", () => {
  test.each(TABLE)("%s", (_, pattern, good, bad) => {
    for (const text of good) expect([text, matches(pattern, text)]).toEqual([text, true]);
    for (const text of bad) expect([text, matches(pattern, text)]).toEqual([text, false]);
  });

  test.each(TABLE)(
    "%s is no empty text, no other kind, and nothing with a line break or a template in it",
    (_, pattern, good) => {
      for (const value of ["", undefined, null, 5, {}, [good[0]], true])
        expect(matches(pattern, value)).toBe(false);
      const [fit = ""] = good;
      for (const more of ["\n", "\r", "\0", "${x}", "{{x}}", '"', "`", "\\", "\u00e9", ";"]) {
        expect(matches(pattern, fit + more)).toBe(false);
        expect(matches(pattern, more + fit)).toBe(false);
      }
    },
  );

  test("is not looked for in a text that is longer than any", () => {
    expect(matches(/x/, "x".repeat(256))).toBe(true);
    expect(matches(/x/, "x".repeat(257))).toBe(false);
  });
});

test("an id is a positive whole number that a double holds exactly", () => {
  for (const value of [1, 42, Number.MAX_SAFE_INTEGER]) expect(isId(value)).toBe(true);
  for (const value of [0, -1, 1.5, 2 ** 53, Number.NaN, Infinity, "1", null, undefined, 1n]) {
    expect(isId(value)).toBe(false);
  }
});

describe("a job's name", () => {
  test.each([
    ["build (ubuntu, 20)", "build (ubuntu, 20)"],
    ["a\"b'c\n${d}{{e}}../f", "a_b_c___d___e__../f"],
    ["caf\u00e9 \u{1f600}", "caf_ __"],
    ["", "_"],
    [5, "_"],
    [null, "_"],
  ])("%j becomes %j", (name, cleaned) => {
    expect(cleanJobName(name)).toBe(cleaned);
  });

  test("always fits once cleaned, and stays as it is once it fits", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.anything()), (name) => {
        const cleaned = cleanJobName(name);
        expect(matches(patterns.JOB_NAME, cleaned)).toBe(true);
        expect(cleanJobName(cleaned)).toBe(cleaned);
      }),
    );
  });
});
