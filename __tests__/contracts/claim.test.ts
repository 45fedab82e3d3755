import { type Claim, parseClaim } from "../../contracts/claim";
import { isOwnRunnerName, runnerName } from "../../contracts/runner-name";

const CLAIM: Claim = { scope: "octo-org/example", class: "linux", job: 42, ordinal: 1, exp: 1_795_238_030 };

describe("a claim", () => {
  test("is its five fields, for a repository or an organization", () => {
    expect(parseClaim(CLAIM)).toEqual(CLAIM);
    expect(parseClaim({ ...CLAIM, scope: "octo-org" })).toEqual({ ...CLAIM, scope: "octo-org" });
  });

  test.each<readonly [string, unknown]>([
    ["no object", "claim"],
    ["null", null],
    ["a list", []],
    ["of another version", { ...CLAIM, kind: "warm" }],
    ...["scope", "class", "job", "ordinal", "exp"].map(
      (field) => [`without ${field}`, { ...CLAIM, [field]: undefined }] as const,
    ),
    ["of a hostile scope", { ...CLAIM, scope: "octo-org/../x" }],
    ["of an empty scope", { ...CLAIM, scope: "" }],
    ["of a hostile class", { ...CLAIM, class: "Linux" }],
    ["of ordinal 0", { ...CLAIM, ordinal: 0 }],
    ["of half an ordinal", { ...CLAIM, ordinal: 1.5 }],
    ["of a text for a job", { ...CLAIM, job: "42" }],
    ["without end", { ...CLAIM, exp: Infinity }],
  ])("is none when it is %s", (_, value) => {
    expect(parseClaim(value)).toBeNull();
  });
});

describe("a runner's name", () => {
  test("tells stack, class, job and ordinal", () => {
    expect(runnerName("a1b2c3", "linux", 42, 1)).toBe("a1b2c3-linux-42-1");
  });

  test("fits GitHub's 64 characters at its longest", () => {
    const longest = runnerName("a1b2c3", "x".repeat(24), Number.MAX_SAFE_INTEGER, 999_999_999_999_999);
    expect(longest.length).toBeLessThanOrEqual(64);
    expect(isOwnRunnerName("a1b2c3", longest)).toBe(true);
  });

  test("is ours only with our stack's id before it", () => {
    expect(isOwnRunnerName("a1b2c3", "a1b2c3-linux-42-1")).toBe(true);
    for (const name of [
      "a1b2c4-linux-42-1",
      "a1b2c3",
      "a1b2c34-linux",
      "x-a1b2c3-linux",
      "a1b2c3-\n",
      null,
      5,
    ]) {
      expect(isOwnRunnerName("a1b2c3", name)).toBe(false);
    }
  });
});
