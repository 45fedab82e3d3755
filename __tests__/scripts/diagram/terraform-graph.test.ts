import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deriveModel } from "../../../scripts/diagram/derive";
import { type Model, edgesOf } from "../../../scripts/diagram/model";
import { readStack } from "../../../scripts/diagram/stack";
import { graphDifferences, readGraph, reduced } from "../../../scripts/diagram/terraform-graph";

/** A small stack of jobs, namespace, token and passwords, and what `terraform graph` 1.11.4 printed for it. */
const RECORDED = join(__dirname, "..", "..", "fixtures", "terraform-graph");
const dot = readFileSync(join(RECORDED, "graph.dot"), "utf8");
const model = deriveModel(readStack(readFileSync(join(RECORDED, "cdk.tf.json"), "utf8")));

const TOKEN = "nomad_acl_token.Dispatch_DB0A2E2F";
const JOB = "nomad_job.Windows_891EF9B0";

/** The model with other references. */
function having(change: (references: Model["references"]) => Model["references"]): Model {
  return { ...model, references: change(model.references) };
}

describe("the model beside Terraform's graph", () => {
  test("the recorded graph of a stack is the model's", () => {
    expect(readGraph(dot).nodes).toHaveLength(9);
    expect(graphDifferences(model, dot)).toEqual([]);
  });

  test("the edges between elements are those of the references, by value, order and provider", () => {
    expect(edgesOf(model)).toEqual([
      "github-runner-arm → namespace-runners",
      "github-runner-arm → nomad",
      "github-runner-arm → state",
      "github-runner-linux → state",
      "namespace-runners → state",
      "nomad → state",
    ]);
  });

  test("a reference that the model lacks is told, with the elements it connects", () => {
    const lacking = having((references) => references.filter(({ to }) => to !== TOKEN));
    expect(graphDifferences(lacking, dot)).toEqual([
      `Terraform has ${JOB} → ${TOKEN}, the model has not`,
      "Terraform has an edge between elements, github-runner-arm → nomad, the model has not",
    ]);
  });

  test("a reference that Terraform does not know is told", () => {
    const from = "nomad_job.Linux_492080F0";
    const surplus = having((references) => [...references, { from, to: TOKEN, via: "value" }]);
    expect(graphDifferences(surplus, dot)).toEqual([
      `Terraform has ${from} → random_password.Admin, the model has not`,
      `the model has ${from} → ${TOKEN}, Terraform has not`,
    ]);
    const circular = having((references) => [...references, { from: TOKEN, to: JOB, via: "value" }]);
    expect(() => graphDifferences(circular, dot)).toThrow("A cycle");
  });

  test("a resource of one side alone is told", () => {
    const without = { ...model, elements: model.elements.filter(({ id }) => id !== "github-runner-arm") };
    expect(graphDifferences(without, dot)).toEqual([
      `${JOB} is in Terraform's graph and in no element of the model`,
    ]);
    const rest = dot.split("\n").filter((line) => !line.includes(JOB));
    expect(graphDifferences(model, rest.join("\n"))).toEqual([
      `${JOB} is in the model and not in Terraform's graph`,
    ]);
  });

  test("a graph without resources proves nothing", () => {
    expect(() => readGraph("digraph G {\n}")).toThrow("names no resource");
  });
});

test("a graph is reduced to the edges that no longer way gives", () => {
  const edges = ["ab", "bc", "ac", "cd", "ad", "xd"].map(([from = "", to = ""]) => ({ from, to }));
  expect(reduced(edges).map(({ from, to }) => from + to)).toEqual(["ab", "bc", "cd", "xd"]);
});
