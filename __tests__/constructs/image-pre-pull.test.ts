import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { TerraformStack } from "cdktf";
import { ImagePrePull, type ImagePrePullProps } from "../../constructs/image-pre-pull";
import { TaskDriver } from "../../index";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

const PROPS: ImagePrePullProps = {
  jobId: "github-runner-linux-pre-pull",
  driver: TaskDriver.docker({ image: "registry.example.com/runner:1" }),
};

function made(overrides: Partial<ImagePrePullProps> = {}): ImagePrePull {
  return new ImagePrePull(new TerraformStack(testApp(), "stack"), "PrePull", { ...PROPS, ...overrides });
}

function resource(overrides: Partial<ImagePrePullProps> = {}): Readonly<Record<string, unknown>> {
  return new Template(TerraformStack.of(made(overrides))).resource(Job);
}

function variables(overrides: Partial<ImagePrePullProps> = {}): Readonly<Record<string, string>> {
  return (resource(overrides)["hcl2"] as { readonly vars: Readonly<Record<string, string>> }).vars;
}

describe("ImagePrePull", () => {
  it("hands over exactly the variables that the job's file declares", async () => {
    const file = join(__dirname, "..", "..", "jobs", "pre-pull.nomad.hcl");
    const { variable } = (await parse("pre-pull.nomad.hcl", readFileSync(file, "utf8"))) as {
      readonly variable: Readonly<Record<string, unknown>>;
    };
    expect(Object.keys(variables())).toEqual(Object.keys(variable).sort());
  });

  it("has these defaults", () => {
    expect(variables()).toEqual({
      constraints: "[]",
      cron: "7 * * * *",
      datacenters: '["*"]',
      driver: "docker",
      images: '["registry.example.com/runner:1"]',
      name: "github-runner-linux-pre-pull",
      namespace: "default",
      node_pool: "default",
    });
  });

  it("goes where the class goes", () => {
    const constraints = [{ attribute: "${attr.cpu.arch}", value: "amd64" }];
    expect(
      variables({ namespace: "runners", datacenters: ["a", "b"], nodePool: "runners", constraints }),
    ).toMatchObject({
      namespace: "runners",
      datacenters: '["a","b"]',
      node_pool: "runners",
      // Doubled for Terraform and once more for Nomad's HCL.
      constraints: '[{"attribute":"$$${attr.cpu.arch}","operator":"=","value":"amd64"}]',
    });
  });

  it("pulls what else a runner needs, each image once", () => {
    const furtherImages = ["docker:dind", "registry.example.com/runner:1", "docker:dind"];
    expect(variables({ furtherImages })["images"]).toBe('["registry.example.com/runner:1","docker:dind"]');
  });

  it.each([
    [1, "7 * * * *"],
    [2, "7 */2 * * *"],
    [12, "7 */12 * * *"],
    [24, "7 0 * * *"],
  ])("looks after the nodes every %i hours", (everyHours, cron) => {
    expect(variables({ everyHours })["cron"]).toBe(cron);
    expect(problemsOf(made({ everyHours }))).toEqual([]);
  });

  it("is started again by the next deploy when it was stopped, and leaves nothing when it goes", () => {
    expect(resource()).toMatchObject({ rerun_if_dead: true, purge_on_destroy: true });
    expect(resource()["jobspec"]).toMatch(/^\$\{file\("assets\/.*\/pre-pull\.nomad\.hcl"\)\}$/);
  });

  it.each<[string, Partial<ImagePrePullProps>, RegExp]>([
    ["no job id", { jobId: " " }, /jobId: must name a Nomad job, got " "$/],
    [
      "a driver without images",
      { driver: TaskDriver.exec({ runnerRoot: "/opt/runner", user: "runner" }) },
      /driver: must be one that runs images, got "exec"; leave the pre-pull out/,
    ],
    [
      "an image without a name",
      { furtherImages: [""] },
      /furtherImages: must name container images, got ""$/,
    ],
    ["no datacenter", { datacenters: [] }, /datacenters: must name at least one, got an empty list$/],
    ["an interval that drifts over the day", { everyHours: 5 }, /everyHours: must be one of 1, .*, got 5$/],
    ["no interval", { everyHours: 0 }, /everyHours: must be one of 1, .*, got 0$/],
  ])("refuses %s", (_, overrides, message) => {
    expect(problemsOf(made(overrides))).toEqual([expect.stringMatching(message)]);
  });
});
