import { classProblems, classWarnings } from "../../constructs/class-checks";
import type { RunnerClass } from "../../contracts/policy";

function runnerClass(name: string, labels: readonly string[], job = `github-runner-${name}`): RunnerClass {
  const seconds = { pickupDeadlineSeconds: 300, idleTimeoutSeconds: 300, maxDurationSeconds: 300 };
  return { name, job, labels, maxRunners: 0, maxRunnersPerRepository: 0, ...seconds };
}

const LINUX = runnerClass("linux", ["self-hosted", "linux"]);
const LARGE = runnerClass("large", ["self-hosted", "linux", "large"]);

describe("classProblems", () => {
  it("finds nothing in classes that differ in a label", () => {
    expect(classProblems([LINUX, LARGE], true)).toEqual([]);
  });

  it("refuses two classes with the same labels, in whatever order and case", () => {
    const twin = runnerClass("twin", ["Linux", "SELF-HOSTED"]);
    expect(classProblems([LINUX, twin], true)).toEqual([
      'classes "linux" and "twin": have the same labels ["Linux","SELF-HOSTED"], so "twin" would never get a job; ' +
        "give one of them a label of its own",
    ]);
  });

  it("refuses a label that stands twice in a class, whatever its case", () => {
    expect(classProblems([runnerClass("linux", ["self-hosted", "linux", "Linux"])], true)).toEqual([
      'class "linux": names the label "Linux" twice; name each label once',
    ]);
  });

  it("refuses a class without self-hosted while jobs must name it", () => {
    const plain = runnerClass("plain", ["linux"]);
    expect(classProblems([plain], true)).toEqual([
      'class "plain": has no label "self-hosted", got ["linux"], so no job could ever reach it; add the label, or set ' +
        "policy.requireSelfHostedLabel to false",
    ]);
    expect(classProblems([plain], false)).toEqual([]);
  });

  it("refuses two classes with one Nomad job, which would have one size and one set of timeouts", () => {
    expect(classProblems([LINUX, runnerClass("other", ["self-hosted", "x"], LINUX.job)], true)).toEqual([
      'classes "linux" and "other": have the same Nomad job id "github-runner-linux"; leave jobId out, or give each its own',
    ]);
  });

  it("says everything at once", () => {
    const wrong = [LINUX, runnerClass("twin", LINUX.labels), runnerClass("plain", ["arm64", "ARM64"])];
    expect(classProblems(wrong, true)).toHaveLength(3);
  });
});

describe("classWarnings", () => {
  it("says that a larger class before a smaller one takes its jobs, and what to do", () => {
    expect(classWarnings([LARGE, LINUX])).toEqual([
      'Class "large" shadows class "linux": it is tried first and its labels ["self-hosted","linux","large"] cover all of ' +
        '["self-hosted","linux"], so "linux" gets only jobs that name exactly its labels. Declare "linux" before "large".',
    ]);
  });

  it("says nothing of a smaller class before a larger one, nor of classes side by side", () => {
    expect(classWarnings([LINUX, LARGE])).toEqual([]);
    expect(classWarnings([LARGE, runnerClass("arm", ["self-hosted", "arm64"])])).toEqual([]);
  });

  it("leaves equal classes to the error", () => {
    expect(classWarnings([LINUX, runnerClass("twin", LINUX.labels)])).toEqual([]);
  });
});
