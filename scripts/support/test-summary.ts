/** The part of jest's `--json` report that is read here.
 *  @see https://jestjs.io/docs/cli#--json */
export interface JestReport {
  /** False when a test failed, a file did not load or a coverage threshold was missed. */
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      /** passed, failed, pending (skipped), todo, disabled */
      readonly status: string;
    }[];
  }[];
}

export interface TestSummary {
  readonly ok: boolean;
  /** What to print; the last line is always `N passed, N failed, N skipped`. */
  readonly lines: readonly string[];
}

/** A skipped test says why in its own name or in its group's: `test.skip("deploys the stack - skipped: needs Nomad")`. */
const REASON = / - skipped: (.*\S)/;

/**
 * Says how many tests ran and why the others did not. Not ok: no test ran, one failed, a test file could not run, or a
 * test was skipped without its reason.
 */
export function summarize(report: JestReport): TestSummary {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === "passed").length;
  const failedTests = tests.filter(({ status }) => status === "failed").length;
  const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  const failed = failedTests + broken.length;
  const unexplained = skipped.filter(({ fullName }) => !REASON.test(fullName));
  const ran = passed + failedTests;

  const lines = [`${String(ran)} tests ran in ${String(report.testResults.length)} files.`];
  if (skipped.length === 0) lines.push("No test was skipped.");
  for (const { fullName } of skipped) {
    const reason = REASON.exec(fullName)?.[1];
    lines.push(
      `Skipped: ${fullName.replace(REASON, "")}: ${reason ?? 'no reason given; add " - skipped: <why>" to its name'}`,
    );
  }
  for (const { name } of broken) lines.push(`Failed: ${name} could not run.`);
  if (ran === 0) lines.push("Failed: no test ran.");
  if (unexplained.length > 0) lines.push(`Failed: ${String(unexplained.length)} skipped without a reason.`);
  if (!report.success && failed === 0 && ran > 0)
    lines.push("Failed: jest reports a failure outside the tests, see above.");
  lines.push(`${String(passed)} passed, ${String(failed)} failed, ${String(skipped.length)} skipped`);
  return { ok: report.success && failed === 0 && ran > 0 && unexplained.length === 0, lines };
}
