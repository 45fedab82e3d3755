import { RunnersStack, type RunnersStackProps } from "../../index";
import existingTunnel from "../../examples/existing-tunnel";
import oneRepository from "../../examples/one-repository";
import organization from "../../examples/organization";
import severalScopes from "../../examples/several-scopes";
import sample from "../../runners.config";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";
import { masked } from "./support";

afterAll(removeOutputs);

/** The stack as a user gets it from settings that are shipped. */
function stack(settings: RunnersStackProps): RunnersStack {
  return new RunnersStack(testApp(), "github-runners", settings);
}

/** Addresses with what each refers to: what a snapshot is good for. Arguments are held by the constructs' own tests. */
function shape(whole: RunnersStack): unknown {
  const { resource, data } = masked(new Template(whole).json) as Record<
    "resource" | "data",
    Record<string, Record<string, unknown>> | undefined
  >;
  const lines = Object.entries({ ...resource, ...prefixed(data ?? {}) }).flatMap(([type, all]) =>
    Object.entries(all).map(([id, body]) => [`${type}.${id}`, references(body)] as const),
  );
  return Object.fromEntries(lines);
}

function prefixed(data: Record<string, Record<string, unknown>>): Record<string, Record<string, unknown>> {
  return Object.fromEntries(Object.entries(data).map(([type, all]) => [`data.${type}`, all]));
}

function references(body: unknown): readonly string[] {
  const text = JSON.stringify(body);
  const found = [
    ...text.matchAll(/(?:data\.)?(?:cloudflare|github|nomad|random|vault|terraform)_\w+\.[\w-]+/g),
  ];
  return [...new Set(found.map(([address]) => address))].sort();
}

describe.each([
  ["repositories", oneRepository],
  ["organization", organization],
  ["two organizations and an account", severalScopes],
  ["a tunnel that exists", existingTunnel],
  ["the sample configuration", sample],
])("the stack with %s", (_name, settings) => {
  it("synthesizes without a problem", () => {
    expect(problemsOf(stack(settings))).toEqual([]);
  });

  it("has the resources and references of the snapshot", () => {
    expect(shape(stack(settings))).toMatchSnapshot();
  });
});

it("is held in full once, with the hashes of what is copied masked", () => {
  expect(masked(new Template(stack(oneRepository)).json)).toMatchSnapshot();
});
