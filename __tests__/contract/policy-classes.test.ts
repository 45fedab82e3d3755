import { workflowJob } from "../support/harness/deliveries";
import { LINUX, POLICY } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  answerOf,
  expectNothingHappened,
  forgetAll,
  ignored,
  postSigned,
  useHarness,
} from "../support/webhook";

const runnerClass = (name: string, ...labels: readonly string[]) => ({
  ...LINUX,
  name,
  job: `github-runner-${name}`,
  labels,
});

const CLASSES = [
  runnerClass("large", "self-hosted", "linux", "x64", "large", "docker"),
  runnerClass("linux", "self-hosted", "linux", "x64"),
  runnerClass("linux-too", "linux", "x64", "self-hosted"),
  runnerClass("arm", "self-hosted", "Linux", "ARM64"),
  runnerClass("docker", "self-hosted", "linux", "docker"),
];

describe.each(RUNTIMES)("the class of a job (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: { ...POLICY, classes: CLASSES } });
  });
  beforeEach(async () => forgetAll(harness()));

  test.each([
    ["its own labels", "linux", ["self-hosted", "linux", "x64"]],
    ["its own labels in another order", "linux", ["x64", "self-hosted", "linux"]],
    ["its own labels in another case", "linux", ["Self-Hosted", "LINUX", "X64"]],
    ["its own labels twice", "linux", ["self-hosted", "linux", "x64", "linux", "Linux"]],
    ["labels that are declared in another case", "arm", ["self-hosted", "linux", "arm64"]],
    ["an exact class, though a larger one was declared before", "docker", ["self-hosted", "linux", "docker"]],
    ["no exact class: the first that covers them", "large", ["self-hosted"]],
    ["no exact class: the first that covers them", "large", ["self-hosted", "x64"]],
    ["labels of one class alone", "arm", ["self-hosted", "arm64"]],
    ["all labels of the largest", "large", ["docker", "large", "x64", "linux", "self-hosted"]],
  ])("with %s is %s: %j", async (_, expected, labels) => {
    expect((await postSigned(harness(), workflowJob({ id: 1, labels }))).status).toBe(202);
    expect(
      harness()
        .dispatches()
        .map((one) => one.job),
    ).toEqual([`github-runner-${expected}`]);
    expect(await harness().rows("SELECT class FROM jobs UNION ALL SELECT class FROM runners")).toEqual([
      { class: expected },
      { class: expected },
    ]);
  });

  test.each([
    ["one label more than any class has", ["self-hosted", "linux", "x64", "gpu"], "no_class_fits"],
    ["labels that only two classes together have", ["self-hosted", "arm64", "docker"], "no_class_fits"],
    ["labels of a class without self-hosted", ["linux", "x64"], "no_self_hosted_label"],
    ["a label that only looks like self-hosted", ["self_hosted", "linux", "x64"], "no_self_hosted_label"],
    ["no labels", [], "no_labels"],
  ])("with %s there is none: %j", async (_, labels, reason) => {
    expect(await answerOf(await postSigned(harness(), workflowJob({ labels })))).toEqual(ignored(reason));
    await expectNothingHappened(harness());
  });

  test("a runner registers with all labels of its class, not with the job's", async () => {
    await postSigned(harness(), workflowJob({ id: 1, labels: ["self-hosted"] }));
    const claim = harness().dispatches()[0]?.payload.claim ?? "";
    expect((await harness().claim(claim)).status).toBe(201);
    expect(JSON.parse(harness().github.seen[0]?.body ?? "")).toMatchObject({ labels: CLASSES[0]?.labels });
  });

  test("jobs of one class do not count against another's", async () => {
    await postSigned(harness(), workflowJob({ id: 1, labels: ["self-hosted", "arm64"] }));
    await postSigned(harness(), workflowJob({ id: 2 }));
    expect(
      harness()
        .dispatches()
        .map(({ job, token }) => `${job} ${token}`),
    ).toEqual(["github-runner-arm 1:1", "github-runner-linux 2:1"]);
  });
});

describe.each(RUNTIMES)("where self-hosted is not required (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: { ...POLICY, requireSelfHostedLabel: false, classes: CLASSES } });
  });
  beforeEach(async () => forgetAll(harness()));

  test("labels decide alone, and none is still none", async () => {
    expect((await postSigned(harness(), workflowJob({ id: 1, labels: ["arm64"] }))).status).toBe(202);
    expect(
      harness()
        .dispatches()
        .map((one) => one.job),
    ).toEqual(["github-runner-arm"]);
    await forgetAll(harness());
    expect(await answerOf(await postSigned(harness(), workflowJob({ labels: [] })))).toEqual(
      ignored("no_labels"),
    );
    const github = await postSigned(harness(), workflowJob({ labels: ["ubuntu-latest"] }));
    expect(await answerOf(github)).toEqual(ignored("no_class_fits"));
    await expectNothingHappened(harness());
  });
});
