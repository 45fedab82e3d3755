import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { TerraformStack } from "cdktf";
import {
  Egress,
  HookScript,
  PrivateDocker,
  RUNNER_RELEASE,
  RunnerJob,
  type RunnerJobProps,
  RunnerNetwork,
  TaskDriver,
} from "../../index";
import { Template, problemsOf, removeOutputs, testApp, warningsOf } from "../support/template";

afterAll(removeOutputs);

const PROPS: RunnerJobProps = {
  className: "linux",
  labels: ["self-hosted", "linux"],
  driver: TaskDriver.docker(),
};
const PRIVILEGED = PrivateDocker.privileged({ iKnowThisIsRootOnTheNode: true });
const EGRESS = Egress.publicInternet();
const RAW = TaskDriver.rawExec({ runnerRoot: "/opt/runner", user: "ci", iKnowThisIsNotIsolated: true });

function made(overrides: Partial<RunnerJobProps>): RunnerJob {
  return new RunnerJob(new TerraformStack(testApp(), "stack"), "Job", { ...PROPS, ...overrides });
}

function variables(overrides: Partial<RunnerJobProps>): Record<string, string> {
  const resource = new Template(TerraformStack.of(made(overrides))).resource(Job);
  return (resource["hcl2"] as { vars: Record<string, string> }).vars;
}

function warnings(overrides: Partial<RunnerJobProps>): readonly string[] {
  return warningsOf(made(overrides));
}

describe("a class's architecture", () => {
  it.each([
    ["x64", "amd64"],
    ["arm64", "arm64"],
  ] as const)("%s becomes a constraint for %s, before the class's own", (architecture, value) => {
    const constraints = [{ attribute: "${meta.disk}", value: "fast" }];
    const labels = ["self-hosted", architecture];
    expect(variables({ architecture, constraints, labels })["constraints"]).toBe(
      `[{"attribute":"$$$\{attr.cpu.arch}","operator":"=","value":"${value}"},` +
        '{"attribute":"$$${meta.disk}","operator":"=","value":"fast"}]',
    );
    expect(warnings({ architecture, labels: ["self-hosted", architecture.toUpperCase()] })).toEqual([]);
  });

  it("is warned of where a workflow could not name it, or names one that the nodes need not have", () => {
    expect(warnings({ architecture: "arm64" })).toEqual([
      'Class "linux" runs on arm64 and has no label "arm64", got ["self-hosted","linux"]: a workflow that names the ' +
        "architecture gets no runner of it. Add the label.",
    ]);
    const labels = ["self-hosted", "ARM64"];
    expect(warnings({ labels })).toEqual([
      'Class "linux" has the label "arm64" and runs on nodes of any architecture. Set architecture to "arm64".',
    ]);
    expect(warnings({ labels, constraints: [{ attribute: "${attr.cpu.arch}", value: "arm64" }] })).toEqual(
      [],
    );
  });

  it("is warned of beside an image without a digest, each with the class", () => {
    expect(warnings({ driver: TaskDriver.docker({ image: "runner:1" }) })).toEqual([
      expect.stringMatching(/^Class "linux": driver: image names no digest, got "runner:1":/),
    ]);
  });

  it("is held against the labels and the archive", () => {
    const driver = TaskDriver.exec({ archive: RUNNER_RELEASE.archives.x64, user: "ci" });
    expect(problemsOf(made({ architecture: "arm64", labels: ["self-hosted", "x64"], driver }))).toEqual([
      '[stack/Job] labels: must not name another architecture than the class\'s (arm64), got "x64"; its jobs would fail',
      "[stack/Job] driver: archive must be for the class's architecture (arm64), got one for x64; take " +
        "RUNNER_RELEASE.archives.arm64",
    ]);
  });
});

describe("a class's Docker daemon", () => {
  it("comes with its script, a bridge for both, and a copy of the runner where both see it", () => {
    const vars = variables({ docker: PrivateDocker.rootless() });
    expect(vars).toMatchObject({ network_mode: "bridge", container_network: "", copy_runner: "true" });
    expect(vars["docker_script"]).toMatch(/docker-daemon\.sh"\)\}$/);
    expect(JSON.parse(vars["docker"] ?? "")).toMatchObject({ user: "1001:1001", privileged: true });
  });

  it("has a network of its own under Sysbox, which the runner joins under Sysbox", () => {
    expect(variables({ docker: PrivateDocker.sysbox() })).toMatchObject({
      ...{ network_mode: "", container_network: "container:docker-$${NOMAD_ALLOC_ID}" },
      runtime: "sysbox-runc",
    });
  });

  it("is none unless it is asked for", () => {
    expect(variables({})).toMatchObject({ docker: "null", docker_script: "", copy_runner: "false" });
  });

  it("is told of where it is root on the node", () => {
    expect([made({ docker: PRIVILEGED }).privileged, made({}).privileged]).toEqual([true, false]);
    expect(made({ docker: PrivateDocker.rootless() }).privileged).toBe(false);
  });

  it.each([
    [
      { driver: TaskDriver.podman(), docker: PrivateDocker.rootless() },
      "docker: must go with TaskDriver.docker, got podman; the daemon is a container beside the runner's",
    ],
    [
      { driver: TaskDriver.docker({ runtime: "kata" }), docker: PrivateDocker.rootless() },
      "docker: must leave the runner's runtime to the daemon's kind (runc for rootless), got \"kata\"; leave runtime out",
    ],
    [
      { driver: TaskDriver.docker({ runtime: "runc" }), docker: PrivateDocker.sysbox() },
      "docker: must leave the runner's runtime to the daemon's kind (sysbox-runc for sysbox), got \"runc\"; leave runtime out",
    ],
    [
      { docker: PrivateDocker.rootless(), network: RunnerNetwork.host() },
      "network: must be bridge or cni with a rootless Docker daemon, got another; runner and daemon share one. Leave network " +
        "out, or take that.",
    ],
    [
      { docker: PrivateDocker.sysbox(), network: RunnerNetwork.bridge() },
      "network: must be driverDefault with a sysbox Docker daemon, got another; runner and daemon share one. Leave network " +
        "out, or take that.",
    ],
    [
      { docker: PRIVILEGED, network: RunnerNetwork.bridge({ egress: EGRESS }) },
      "network: egress must go without a privileged Docker daemon, whose root could take the rules back; take rootless",
    ],
    [
      { docker: PrivateDocker.rootless({ cpuMhz: 1 }) },
      "docker: cpuMhz must be a whole number from 100, got 1",
    ],
  ])("refuses %j", (overrides, problem) => {
    expect(problemsOf(made(overrides))).toEqual([`[stack/Job] ${problem}`]);
  });

  it.each([
    { docker: PrivateDocker.rootless(), network: RunnerNetwork.bridge({ egress: EGRESS }) },
    { docker: PRIVILEGED, network: RunnerNetwork.cni({ name: "runners" }) },
    { docker: PrivateDocker.sysbox(), driver: TaskDriver.docker({ runtime: "sysbox-runc" }) },
  ])("takes what goes together (%#)", (overrides) => {
    expect(problemsOf(made(overrides))).toEqual([]);
  });
});

describe("a class's network", () => {
  it("comes with the script of its fence", () => {
    const vars = variables({ network: RunnerNetwork.bridge({ egress: EGRESS }) });
    expect(vars["egress_script"]).toMatch(/egress\.sh"\)\}$/);
    expect(JSON.parse(vars["egress"] ?? "")).toEqual(EGRESS.variables);
    expect(variables({})).toMatchObject({ egress: "null", egress_script: "", dns: "null" });
  });

  it.each([
    [
      {
        driver: TaskDriver.exec({ runnerRoot: "/r", user: "ci" }),
        network: RunnerNetwork.bridge({ egress: EGRESS }),
      },
      "network: egress must go with TaskDriver.docker or podman, got exec; its rules are written from a container",
    ],
    [
      { driver: RAW, network: RunnerNetwork.host({ dns: { servers: ["10.0.0.1"] } }) },
      "driver: rawExec must go without dns and volumes, which Nomad mounts; the node's own are there",
    ],
  ])("is refused where the driver has none such (%#)", (overrides, problem) => {
    expect(problemsOf(made(overrides))).toEqual([`[stack/Job] ${problem}`]);
  });
});

describe("a class's volumes and hooks", () => {
  it("are for reading unless the user says otherwise", () => {
    const volumes = [
      { hostVolume: "tools", path: "/opt/hostedtoolcache" },
      { hostVolume: "cache", path: "/cache", readOnly: false },
    ];
    expect(JSON.parse(variables({ volumes })["volumes"] ?? "")).toEqual([
      { source: "tools", path: "/opt/hostedtoolcache", read_only: true },
      { source: "cache", path: "/cache", read_only: false },
    ]);
  });

  it.each([
    [
      [{ hostVolume: "a b", path: "/a" }],
      "volumes[0].hostVolume: must be a volume's name in the clients' configuration, got \"a b\"",
    ],
    [
      [{ hostVolume: "a", path: "a" }],
      'volumes[0].path: must be an absolute path below the root, without blanks and colons, got "a"',
    ],
    [
      [
        { hostVolume: "a", path: "/a" },
        { hostVolume: "b", path: "/a" },
      ],
      'volumes[1].path: must be another than those before it, got "/a" twice',
    ],
  ])("refuses the volumes %j", (volumes, problem) => {
    expect(problemsOf(made({ volumes }))).toEqual([`[stack/Job] ${problem}`]);
  });

  it.each([
    "/alloc",
    "/alloc/runner",
    "/local",
    "/secrets/x",
    "/tmp",
    "/opt/../alloc",
    "/opt//tools",
    "/proc",
  ])("refuses a volume at %s, where the runner's own files are or it cannot be told", (path) => {
    expect(problemsOf(made({ volumes: [{ hostVolume: "tools", path }] }))).toEqual([
      `[stack/Job] volumes[0].path: must be a plain path outside of /alloc, /local, /secrets, /tmp, /dev, /proc, /sys, which are ` +
        `the runner's own, got "${path}"; write it as /opt/hostedtoolcache`,
    ]);
  });

  it("are taken beside the runner's own paths, and warned of where one job writes what the next one reads", () => {
    const at = (path: string, readOnly?: boolean) =>
      made({ volumes: [{ hostVolume: "tools", path, ...(readOnly !== undefined && { readOnly }) }] });
    for (const path of ["/allocated", "/opt/local", "/tmpl"]) {
      expect(problemsOf(at(path))).toEqual([]);
      expect(warningsOf(at(path, true))).toEqual(warningsOf(made({})));
    }
    expect(warningsOf(at("/cache", false))).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^(?:\[.*\] )?Class "linux": volumes: the volume "tools" at \/cache can be written: /,
        ),
      ]),
    );
  });

  it("hand over a script's text with nothing evaluated in it", () => {
    const vars = variables({ jobStartedHook: HookScript.text('echo "${HOME}" %{x}\n') });
    expect(vars).toMatchObject({ user_started_hook: 'echo "$${HOME}" %%{x}\n', user_completed_hook: "" });
  });

  it("hand over a script's file as a file", () => {
    const directory = mkdtempSync(join(tmpdir(), "hook-"));
    try {
      const path = join(directory, "after.sh");
      writeFileSync(path, "df -h\n");
      const vars = variables({ jobCompletedHook: HookScript.file(path) });
      expect(vars["user_completed_hook"]).toMatch(/^\$\{file\("assets\/.+\/after\.sh"\)\}$/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("are refused without a text or a file", () => {
    const overrides = {
      jobStartedHook: HookScript.text(" "),
      jobCompletedHook: HookScript.file("/nowhere.sh"),
    };
    expect(problemsOf(made(overrides))).toEqual([
      "[stack/Job] jobStartedHook: must hold a script, got an empty text; leave it out for none",
      '[stack/Job] jobCompletedHook: must be a file that is there, got "/nowhere.sh"; write its absolute path',
    ]);
    // A directory would be hashed and copied whole.
    expect(problemsOf(made({ jobStartedHook: HookScript.file(__dirname) }))).toEqual([
      `[stack/Job] jobStartedHook: must be a file that is there, got "${__dirname}"; write its absolute path`,
    ]);
  });

  it("are refused with the job's own template mark in them: Nomad would render the rest of the line", () => {
    const jobspec = readFileSync(join(__dirname, "..", "..", "jobs", "runner.nomad.hcl"), "utf8");
    const [, mark = ""] = /^ *delimiter = "(.+)"$/m.exec(jobspec) ?? [];
    expect(mark).not.toBe("");
    expect(problemsOf(made({ jobStartedHook: HookScript.text(`echo '${mark}'`) }))).toEqual([
      `[stack/Job] jobStartedHook: must not hold "${mark}", with which the job marks its templates, got it; write it otherwise`,
    ]);
    expect(problemsOf(made({ jobStartedHook: HookScript.text("cat <<EOF\nEOF") }))).toEqual([]);
  });
});
