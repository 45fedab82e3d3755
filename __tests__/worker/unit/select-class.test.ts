import * as fc from "fast-check";
import type { RunnerClass, RunnerScope } from "../../../contracts/policy";
import { selectClass } from "../../../worker/select-class";
import { runnerClass } from "./support/policies";

/** `[class labels, job labels, fits]`: every pair of the two lists. */
const CLASS_LABELS: readonly (readonly string[])[] = [
  ["self-hosted"],
  ["self-hosted", "linux"],
  ["self-hosted", "linux", "x64"],
  ["Self-Hosted", "Linux", "GPU"],
  ["linux", "x64"],
];
const JOB_LABELS: readonly (readonly string[])[] = [
  [],
  ["self-hosted"],
  ["SELF-HOSTED"],
  ["self-hosted", "linux"],
  ["linux", "self-hosted"],
  ["Linux", "Self-Hosted", "X64"],
  ["self-hosted", "linux", "linux"],
  ["self-hosted", "gpu"],
  ["self-hosted", "windows"],
  ["self-hosted", "linux", "x64", "gpu"],
  ["linux"],
  ["linux", "x64"],
  ["ubuntu-latest"],
  ["self-hosted "],
  ["selfhosted", "linux"],
];
/** Row: class; column: job. 1 = fits when `self-hosted` is required, 2 = fits only when it is not, 0 = never. */
const FITS: readonly string[] = [
  "011000000000000",
  "011110100020000",
  "011111100022000",
  "011110110020000",
  "000000000022000",
];

const pairs = CLASS_LABELS.flatMap((offered, row) =>
  JOB_LABELS.map((wanted, column) => ({ offered, wanted, fits: FITS[row]?.[column] ?? "?" })),
);
const choose = (classes: readonly (readonly string[])[], wanted: readonly string[], required = true) =>
  selectClass(
    { requireSelfHostedLabel: required },
    classes.map((labels, index) => runnerClass(`class-${String(index)}`, labels)),
    wanted,
  );
const chosen = (classes: readonly (readonly string[])[], wanted: readonly string[]): string | null => {
  const decision = choose(classes, wanted);
  return decision.fits ? decision.runnerClass.name : null;
};

describe("a runner class fits a job when its labels cover all of the job's", () => {
  test.each(pairs)("class $offered, job $wanted: $fits", ({ offered, wanted, fits }) => {
    expect(choose([offered], wanted).fits).toBe(fits === "1");
    expect(choose([offered], wanted, false).fits).toBe(fits !== "0");
  });

  test("the table has a verdict for every pair", () => {
    expect(pairs.every(({ fits }) => /^[012]$/.test(fits))).toBe(true);
    expect(pairs).toHaveLength(75);
  });

  test.each([
    ["no_labels", []],
    ["no_self_hosted_label", ["linux"]],
    ["no_class_fits", ["self-hosted", "windows"]],
  ])("and where none does the reason is %s", (reason, wanted) => {
    expect(choose([["self-hosted", "linux"]], wanted)).toEqual({ fits: false, reason });
  });

  test("a job without labels gets none, even where self-hosted is not required", () => {
    expect(choose([["linux"]], [], false)).toEqual({ fits: false, reason: "no_labels" });
  });
});

describe("of several classes that fit", () => {
  test("the exact one goes before a larger one that was declared before it", () => {
    expect(
      chosen(
        [
          ["self-hosted", "linux", "gpu"],
          ["Linux", "SELF-HOSTED"],
        ],
        ["self-hosted", "linux"],
      ),
    ).toBe("class-1");
  });

  test("the first declared goes when none is exact, not the smallest", () => {
    const classes = [
      ["self-hosted", "linux", "x64", "gpu"],
      ["self-hosted", "linux", "x64"],
    ];
    expect(chosen(classes, ["self-hosted"])).toBe("class-0");
  });

  test("the first declared goes when several are exact", () => {
    expect(
      chosen(
        [
          ["self-hosted", "a"],
          ["a", "self-hosted"],
        ],
        ["self-hosted", "a"],
      ),
    ).toBe("class-0");
  });

  test("a label that is written twice counts once", () => {
    expect(
      chosen(
        [
          ["self-hosted", "a", "b"],
          ["self-hosted", "a", "A"],
        ],
        ["a", "self-hosted", "a"],
      ),
    ).toBe("class-1");
  });
});

describe("for any classes and labels", () => {
  const label = fc.constantFrom("self-hosted", "Self-Hosted", "linux", "LINUX", "x64", "arm64", "gpu");
  const labels = fc.array(label, { maxLength: 5 });
  type Rules = Pick<RunnerScope, "requireSelfHostedLabel"> & { readonly classes: readonly RunnerClass[] };
  const anyRules: fc.Arbitrary<Rules> = fc
    .tuple(
      fc.array(fc.array(label, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
    )
    .map(([classes, requireSelfHostedLabel]) => ({
      requireSelfHostedLabel,
      classes: classes.map((offered, index) => runnerClass(`class-${String(index)}`, offered)),
    }));
  const lower = (list: readonly string[]) => new Set(list.map((one) => one.toLowerCase()));
  const covers = (offered: readonly string[], wanted: readonly string[]) =>
    [...lower(wanted)].every((one) => lower(offered).has(one));

  test("the chosen class covers the job, and none is chosen only when none may be", () => {
    fc.assert(
      fc.property(anyRules, labels, (given, wanted) => {
        const decision = selectClass(given, given.classes, wanted);
        const asks = wanted.length > 0 && (!given.requireSelfHostedLabel || lower(wanted).has("self-hosted"));
        expect(decision.fits).toBe(asks && given.classes.some((one) => covers(one.labels, wanted)));
        if (!decision.fits) return;
        expect(covers(decision.runnerClass.labels, wanted)).toBe(true);
        const exact = given.classes.find(
          (one) => covers(one.labels, wanted) && lower(one.labels).size === lower(wanted).size,
        );
        const first = given.classes.find((one) => covers(one.labels, wanted));
        expect(decision.runnerClass).toBe(exact ?? first);
      }),
    );
  });

  test("neither the order nor the case of the job's labels matters", () => {
    fc.assert(
      fc.property(anyRules, labels, (given, wanted) => {
        const turned = [...wanted].reverse().map((one) => one.toUpperCase());
        expect(selectClass(given, given.classes, turned)).toEqual(selectClass(given, given.classes, wanted));
      }),
    );
  });
});
