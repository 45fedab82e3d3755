import { TerraformStack } from "cdktf";
import { isolationProblems } from "../../constructs/isolation-checks";
import { OnDemandRunners, PrivateDocker } from "../../index";
import { problemsOf, removeOutputs, testApp } from "../support/template";
import { LINUX, SETTINGS } from "./settings";

afterAll(removeOutputs);

describe("PrivateDocker", () => {
  it("runs rootless as the runner's own user, in a container whose masks are lifted", () => {
    const { kind, runnerNetwork, runnerRuntime, variables } = PrivateDocker.rootless();
    expect(variables).toEqual({
      image: expect.stringMatching(/^docker:\d+\.\d+\.\d+-dind-rootless$/) as string,
      runtime: "",
      privileged: true,
      user: "1001:1001",
      socket_group: 1_001,
      network_mode: "",
      cpu: 500,
      memory: 1_024,
      registry_mirrors: [],
    });
    expect([kind, runnerNetwork, runnerRuntime]).toEqual(["rootless", "", ""]);
  });

  it("runs under Sysbox with a network of the daemon's, which the runner joins under Sysbox", () => {
    const { runnerNetwork, runnerRuntime, variables } = PrivateDocker.sysbox({ runnerUid: 1_000 });
    expect(variables).toMatchObject({
      image: expect.stringMatching(/^docker:\d+\.\d+\.\d+-dind$/) as string,
      runtime: "sysbox-runc",
      privileged: false,
      user: "0",
      socket_group: 1_000,
      network_mode: "bridge",
    });
    expect([runnerNetwork, runnerRuntime]).toEqual(["container:docker-${NOMAD_ALLOC_ID}", "sysbox-runc"]);
  });

  it("runs as root on the node for who says that they know", () => {
    const docker = PrivateDocker.privileged({ iKnowThisIsRootOnTheNode: true });
    expect(docker.problems()).toEqual([]);
    expect(docker.variables).toMatchObject({ privileged: true, user: "0", runtime: "" });
    expect(PrivateDocker.privileged({ iKnowThisIsRootOnTheNode: false }).problems()).toEqual([
      "docker: iKnowThisIsRootOnTheNode must be true for privileged, got false; every workflow job of the class would be root " +
        "on the node: take rootless or sysbox, or say that you know",
    ]);
  });

  it("takes an image, a size and mirrors", () => {
    const image = `docker:29@sha256:${"b".repeat(64)}`;
    const mirrors = ["https://mirror.example.com", "http://10.0.0.1:5000/hub"];
    const docker = PrivateDocker.rootless({ image, cpuMhz: 100, memoryMib: 256, registryMirrors: mirrors });
    expect(docker.problems()).toEqual([]);
    expect(docker.variables).toMatchObject({ image, cpu: 100, memory: 256, registry_mirrors: mirrors });
  });

  it.each([
    [{ image: "" }, /^docker: image must name a container image, got ""; write it as docker:/],
    [
      { runnerUid: 0 },
      /^docker: runnerUid must be a whole number from 1 to 65535, got 0; the runner refuses root$/,
    ],
    [{ cpuMhz: 99 }, /^docker: cpuMhz must be a whole number from 100, got 99$/],
    [{ memoryMib: 255.5 }, /^docker: memoryMib must be a whole number from 256, got 255.5$/],
    [
      { registryMirrors: ["mirror.example.com"] },
      /^docker: registryMirrors must be http or https URLs without login, got "mirror.example.com"$/,
    ],
    [{ registryMirrors: ["https://a:b@example.com"] }, /without login/],
    [{ registryMirrors: ["https://example.com --insecure"] }, /without login/],
  ])("refuses %j", (props, problem) => {
    expect(PrivateDocker.rootless(props).problems()).toEqual([expect.stringMatching(problem)]);
  });
});

describe("a class that is root on its node", () => {
  const job = (name: string, privileged: boolean) => ({ runnerClass: { name }, privileged });
  const jobs = [job("plain", false), job("root", true)];

  it("is refused where public repositories get runners, in whatever scope", () => {
    expect(isolationProblems(jobs, [{}, { publicRepositories: ["octo-org/site"] }])).toEqual([
      'class "root": must not have PrivateDocker.privileged where public repositories ["octo-org/site"] get runners; take ' +
        "PrivateDocker.rootless or sysbox, or make a stack without them",
    ]);
  });

  it("is refused where forks get runners", () => {
    const [problem] = isolationProblems(jobs, [{ forkPullRequests: "allow" }]);
    expect(problem).toContain("where pull requests from forks get runners");
  });

  it("is taken where only private repositories do", () => {
    expect(isolationProblems(jobs, [{ publicRepositories: [], forkPullRequests: "refuse" }])).toEqual([]);
  });

  it("is told of by the whole that it is a part of", () => {
    const docker = PrivateDocker.privileged({ iKnowThisIsRootOnTheNode: true });
    const problems = (publicRepositories: readonly string[]): readonly string[] => {
      const whole = new OnDemandRunners(new TerraformStack(testApp(), "stack"), "Runners", {
        ...SETTINGS,
        policy: { publicRepositories },
        classes: [{ ...LINUX, docker }],
      });
      return problemsOf(whole).filter((problem) => problem.includes("PrivateDocker"));
    };
    expect(problems(["octo-org/example"])).toEqual([
      expect.stringMatching(/^\[stack\/Runners\] class "linux": must not have PrivateDocker\.privileged/),
    ]);
    expect(problems([])).toEqual([]);
  });
});
