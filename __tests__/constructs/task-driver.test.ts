import { RUNNER_RELEASE, TaskDriver } from "../../index";

const DIGEST = `sha256:${"a".repeat(64)}`;
const ARCHIVE = { url: "https://example.com/runner.tar.gz", sha256: "a".repeat(64) };
const NODE = { runnerRoot: "/opt/runner", user: "ci" };

describe("TaskDriver", () => {
  it("runs GitHub's image of the pinned release in a container of Docker's, and warns of nothing", () => {
    const driver = TaskDriver.docker();
    expect(driver.variables).toEqual({
      driver: "docker",
      image: RUNNER_RELEASE.image,
      runtime: "",
      user: "",
      runner_root: "/home/runner",
      copy_runner: false,
      archive_url: "",
      archive_sha256: "",
    });
    expect([driver.problems(), driver.warnings(), driver.inContainer]).toEqual([[], [], true]);
  });

  it("runs another image, as another user, from another place", () => {
    const { variables } = TaskDriver.podman({ image: "runner:1", runnerRoot: "/runner", user: "1001" });
    expect(variables).toMatchObject({
      driver: "podman",
      image: "runner:1",
      runner_root: "/runner",
      user: "1001",
    });
  });

  it.each(["runc", "sysbox-runc", "kata", "io.containerd.run.kata.v2"])("takes the runtime %s", (runtime) => {
    const driver = TaskDriver.docker({ runtime });
    expect([driver.variables.runtime, driver.problems()]).toEqual([runtime, []]);
  });

  it("warns of an image without a digest", () => {
    expect(TaskDriver.docker({ image: "runner:1" }).warnings()).toEqual([
      'driver: image names no digest, got "runner:1": another image may come under the same name. Write it as ' +
        "name:version@sha256:…, or leave it out for the release that this package pins.",
    ]);
    expect(TaskDriver.podman({ image: `runner:1@${DIGEST}` }).warnings()).toEqual([]);
    expect(TaskDriver.exec(NODE).warnings()).toEqual([]);
  });

  it.each([
    ["exec", TaskDriver.exec(NODE)],
    ["raw_exec", TaskDriver.rawExec({ ...NODE, iKnowThisIsNotIsolated: true })],
  ])("copies the node's runner for each allocation of %s", (driver, { inContainer, variables }) => {
    expect(inContainer).toBe(false);
    expect(variables).toMatchObject({
      ...{ driver, image: "", user: "ci", runner_root: "/opt/runner" },
      ...{ copy_runner: true, archive_url: "" },
    });
  });

  it("fetches an archive into the allocation, which then needs no copy", () => {
    const driver = TaskDriver.exec({ archive: RUNNER_RELEASE.archives.arm64, user: "ci" });
    expect(driver.problems()).toEqual([]);
    expect(driver.variables).toMatchObject({
      runner_root: "${NOMAD_ALLOC_DIR}/runner",
      copy_runner: false,
      archive_url: RUNNER_RELEASE.archives.arm64.url,
      archive_sha256: RUNNER_RELEASE.archives.arm64.sha256,
    });
  });

  it.each(["", "root", "0", "0:0"])("refuses user %j on a node, as the runner itself would", (user) => {
    const drivers = [
      TaskDriver.exec({ runnerRoot: "/r", user }),
      TaskDriver.rawExec({ runnerRoot: "/r", user, iKnowThisIsNotIsolated: true }),
    ];
    for (const driver of drivers) {
      expect(driver.problems()).toEqual([
        `driver: user must be an unprivileged user of the node, got "${user}"; the runner refuses root`,
      ]);
    }
  });

  it("refuses rawExec from who does not say that they know", () => {
    expect(TaskDriver.rawExec({ ...NODE, iKnowThisIsNotIsolated: false }).problems()).toEqual([
      "driver: iKnowThisIsNotIsolated must be true for rawExec, got false; nothing stands between workflow code and the " +
        "node: take docker, podman or exec, or say that you know",
    ]);
    expect(TaskDriver.rawExec({ ...NODE, iKnowThisIsNotIsolated: true }).problems()).toEqual([]);
  });

  const either = (got: string): string =>
    `driver: must have either archive or runnerRoot, got ${got}; write archive: RUNNER_RELEASE.archives.x64, or name the ` +
    "directory in which the runner is installed";
  const image = (got: string): string =>
    `driver: image must name a container image, with a digest of 64 hex digits if any, got "${got}"; ` +
    "leave it out for GitHub's of the pinned release, or write it as registry.example.com/runner:1.2";
  it.each([
    [TaskDriver.exec({ user: "ci" }), either("neither")],
    [TaskDriver.exec({ ...NODE, archive: ARCHIVE }), either("both")],
    [
      TaskDriver.exec({ runnerRoot: "runner", user: "ci" }),
      'driver: runnerRoot must be an absolute path, got "runner"',
    ],
    [
      TaskDriver.exec({ user: "ci", archive: { ...ARCHIVE, url: "runner.tar.gz" } }),
      'driver: archive.url must be an http or https URL, got "runner.tar.gz"',
    ],
    [
      TaskDriver.exec({ user: "ci", archive: { ...ARCHIVE, sha256: "A".repeat(64) } }),
      `driver: archive.sha256 must be 64 hex digits in lower case, got "${"A".repeat(64)}"; GitHub's release notes have it`,
    ],
    [TaskDriver.docker({ image: " " }), image(" ")],
    [TaskDriver.docker({ image: "ghcr.io/ runner" }), image("ghcr.io/ runner")],
    [TaskDriver.docker({ image: "runner:1@sha256:abc" }), image("runner:1@sha256:abc")],
    [
      TaskDriver.docker({ runtime: "--privileged" }),
      'driver: runtime must be a name such as sysbox-runc, got "--privileged"',
    ],
  ])("refuses what cannot be (%#) and says what to do", (driver, problem) => {
    expect(driver.problems()).toEqual([problem]);
  });
});
