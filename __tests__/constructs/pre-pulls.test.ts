import { Job } from "@cdktf/provider-nomad/lib/job";
import { Egress, PrivateDocker, RunnerNetwork } from "../../index";
import { Template, problemsOf, removeOutputs } from "../support/template";
import { LARGE, LINUX } from "./settings";
import { stackWith } from "./support";

afterAll(removeOutputs);

type Variables = Readonly<Record<string, string>>;

/** The variables of the jobs whose id ends so. */
function prePulls(classes: Parameters<typeof stackWith>[0]): readonly (readonly [Variables, unknown])[] {
  return new Template(stackWith(classes))
    .resources(Job)
    .map((job) => [(job["hcl2"] as { readonly vars: Variables }).vars, job["depends_on"]] as const)
    .filter(([{ name }]) => name?.endsWith("-pre-pull"));
}

describe("the pre-pull jobs of a stack", () => {
  it("are those of the classes that ask for one", () => {
    expect(prePulls({})).toEqual([]);
    expect(prePulls({ classes: [{ ...LINUX, prePull: false }, LARGE] })).toEqual([]);
    const classes = [{ ...LINUX, prePull: true }, LARGE];
    expect(prePulls({ classes }).map(([{ name }]) => name)).toEqual(["github-runner-linux-pre-pull"]);
  });

  it("go where the class goes, with its image, after its namespace", () => {
    const constraints = [{ attribute: "${node.class}", value: "runner" }];
    const linux = { ...LINUX, prePull: true, datacenters: ["a"], nodePool: "runners", constraints };
    const [[variables, dependsOn] = []] = prePulls({ classes: [linux] });
    expect(variables).toMatchObject({
      images: JSON.stringify([LINUX.driver.variables.image]),
      driver: "docker",
      namespace: "runners",
      datacenters: '["a"]',
      node_pool: "runners",
      constraints: expect.stringContaining("node.class") as string,
    });
    expect(dependsOn).toEqual([expect.stringMatching(/^nomad_namespace\./)]);
  });

  it("pull what else a runner of the class starts with", () => {
    const network = RunnerNetwork.bridge({ egress: Egress.publicInternet({ image: "rules:1" }) });
    const docker = PrivateDocker.rootless({ image: "daemon:1" });
    const [[variables] = []] = prePulls({ classes: [{ ...LINUX, prePull: true, docker, network }] });
    expect(JSON.parse(variables?.["images"] ?? "")).toEqual([
      LINUX.driver.variables.image,
      "daemon:1",
      "rules:1",
    ]);
  });

  it("keep their address when another class is declared before theirs", () => {
    const address = (classes: Parameters<typeof stackWith>[0]): readonly string[] => {
      const { nomad_job: jobs } = new Template(stackWith(classes)).block("resource");
      return Object.keys(jobs ?? {}).filter((name) => name.includes("PrePulls"));
    };
    const linux = { ...LINUX, prePull: true };
    expect(address({ classes: [linux] })).toHaveLength(1);
    expect(address({ classes: [LARGE, linux] })).toEqual(address({ classes: [linux] }));
  });

  it("are refused to a class that pulls nothing", () => {
    expect(problemsOf(stackWith({ classes: [LINUX, { ...LARGE, prePull: true }] }))).toEqual([
      expect.stringMatching(/PrePulls\/large\] driver: must be one that runs images, got "exec"/),
    ]);
  });

  it("must not take the id of a class's job", () => {
    const classes = [
      { ...LINUX, prePull: true },
      { ...LARGE, jobId: "github-runner-linux-pre-pull" },
    ];
    expect(problemsOf(stackWith({ classes }))).toEqual([
      expect.stringContaining('class "linux": prePull makes the Nomad job "github-runner-linux-pre-pull"'),
    ]);
  });
});
