import { type JestReport, summarize } from "../../scripts/support/test-summary";

function report(...tests: readonly (readonly [fullName: string, status: string])[]): JestReport {
  return {
    success: tests.every(([, status]) => status !== "failed"),
    testResults: [
      {
        name: "/a.test.ts",
        status: tests.some(([, status]) => status === "failed") ? "failed" : "passed",
        assertionResults: tests.map(([fullName, status]) => ({ fullName, status })),
      },
    ],
  };
}

describe("the summary of a test run", () => {
  it("ends with the counts alone on a line", () => {
    const { ok, lines } = summarize(report(["a", "passed"], ["b", "passed"]));
    expect(ok).toBe(true);
    expect(lines).toEqual([
      "2 tests ran in 1 files.",
      "No test was skipped.",
      "2 passed, 0 failed, 0 skipped",
    ]);
  });

  it("prints the reason of a skipped test, given in its name or in its group's", () => {
    const { ok, lines } = summarize(
      report(["a", "passed"], ["group deploys - skipped: needs Nomad", "pending"]),
    );
    expect(ok).toBe(true);
    expect(lines).toContain("Skipped: group deploys: needs Nomad");
    expect(lines.at(-1)).toBe("1 passed, 0 failed, 1 skipped");
  });

  it.each(["pending", "todo", "disabled"])("refuses a test that is %s without a reason", (status) => {
    const { ok, lines } = summarize(report(["a", "passed"], ["b", status]));
    expect(ok).toBe(false);
    expect(lines).toContain("Failed: 1 skipped without a reason.");
  });

  it("refuses a failed test", () => {
    const { ok, lines } = summarize(report(["a", "passed"], ["b", "failed"]));
    expect(ok).toBe(false);
    expect(lines.at(-1)).toBe("1 passed, 1 failed, 0 skipped");
  });

  it("refuses a run in which nothing ran", () => {
    expect(summarize(report()).ok).toBe(false);
    expect(summarize(report(["a - skipped: no shell", "pending"])).ok).toBe(false);
  });

  it("counts a test file that could not run as a failure", () => {
    const broken = { name: "/b.test.ts", status: "failed", assertionResults: [] };
    const { testResults } = report(["a", "passed"]);
    const { ok, lines } = summarize({ success: false, testResults: [...testResults, broken] });
    expect(ok).toBe(false);
    expect(lines).toContain("Failed: /b.test.ts could not run.");
    expect(lines.at(-1)).toBe("1 passed, 1 failed, 0 skipped");
  });

  it("passes on a failure that no test shows, such as a missed coverage threshold", () => {
    const { ok } = summarize({ ...report(["a", "passed"]), success: true });
    expect(ok).toBe(true);
    expect(summarize({ ...report(["a", "passed"]), success: false }).ok).toBe(false);
  });
});
