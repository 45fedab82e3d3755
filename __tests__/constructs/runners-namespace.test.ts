import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import { TerraformStack } from "cdktf";
import { RunnersNamespace, type RunnersNamespaceProps } from "../../constructs/runners-namespace";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

function declare(props: RunnersNamespaceProps): {
  readonly stack: TerraformStack;
  readonly namespace: RunnersNamespace;
} {
  const stack = new TerraformStack(testApp(), "stack");
  return { stack, namespace: new RunnersNamespace(stack, "Namespace", props) };
}

describe("RunnersNamespace", () => {
  it("is a namespace with a description", () => {
    const { stack, namespace } = declare({ name: "runners" });
    expect(new Template(stack).resource(Namespace)).toMatchObject({
      name: "runners",
      description: "GitHub runners on demand",
    });
    expect(namespace.name).toBe("runners");
    expect(namespace.ready).toEqual([expect.any(Namespace)]);
    expect(problemsOf(namespace)).toEqual([]);
  });

  it("takes a description as it is written", () => {
    const { stack } = declare({ name: "runners", description: "for ${team}" });
    expect(new Template(stack).resource(Namespace)).toMatchObject({ description: "for $${team}" });
  });

  it.each(["", "a b", "runners*", "run/ners", "n".repeat(129)])("refuses the name %j", (name) => {
    expect(problemsOf(declare({ name }).namespace)).toEqual([
      `[stack/Namespace] name: must be letters, digits and -, at most 128, got "${name}"; give another name`,
    ]);
  });

  it("refuses Nomad's own namespace, which it could never delete", () => {
    expect(problemsOf(declare({ name: "default" }).namespace)).toEqual([
      expect.stringContaining('name: must not be "default"'),
    ]);
  });

  it("refuses a description that Nomad refuses", () => {
    expect(problemsOf(declare({ name: "runners", description: "d".repeat(256) }).namespace)).toEqual([]);
    expect(problemsOf(declare({ name: "runners", description: "d".repeat(257) }).namespace)).toEqual([
      "[stack/Namespace] description: must be at most 256 characters, got 257; shorten it",
    ]);
  });
});
