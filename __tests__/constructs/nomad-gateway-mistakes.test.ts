import { TerraformStack, TerraformVariable } from "cdktf";
import { NomadGateway } from "../../constructs/nomad-gateway";
import type { NomadGatewayProps } from "../../constructs/nomad-gateway-props";
import { problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

const PROPS: NomadGatewayProps = {
  accountId: "account",
  zoneId: "zone",
  hostname: "nomad.example.com",
  accessTeamName: "octo-team",
  origin: "http://127.0.0.1:4646",
  jobs: ["github-runner-linux"],
};

function made(overrides: Partial<NomadGatewayProps> = {}): NomadGateway {
  return new NomadGateway(new TerraformStack(testApp(), "stack"), "Gateway", { ...PROPS, ...overrides });
}

describe("Mistakes of a gateway's props", () => {
  it("are none with the least that it takes", () => {
    expect(problemsOf(made())).toEqual([]);
  });

  it.each([
    ["hostname", { hostname: "https://nomad.example.com" }],
    ["hostname", { hostname: "nomad" }],
    ["origin", { origin: "nomad.service.consul:4646" }],
    ["origin", { origin: "https://nomad.service.consul:4646/v1" }],
    ["origin", { origin: "https://user@nomad.service.consul" }],
    ["origin", { origin: "tcp://10.0.0.1:4646" }],
    ["accessTeamName", { accessTeamName: "octo-team.cloudflareaccess.com" }],
    ["accessTeamName", { accessTeamName: "" }],
    ["accountId", { accountId: "" }],
    ["zoneId", { zoneId: " " }],
    ["name", { name: "" }],
    ["jobs", { jobs: [] }],
    ["jobs", { jobs: ["a|b"] }],
    ["jobs", { jobs: [".*"] }],
    ["caPool", { origin: "https://nomad:4646", caPool: "ca.pem" }],
    ["caPool", { caPool: "/etc/ca.pem" }],
    ["originServerName", { originServerName: "server.global.nomad" }],
    ["originServerName", { origin: "https://nomad:4646", originServerName: "${file()}" }],
    ["serviceTokenDuration", { serviceTokenDuration: "1 year" }],
    ["serviceTokenDuration", { serviceTokenDuration: "365d" }],
    [
      "serviceTokenRotation.version",
      { serviceTokenRotation: { version: 1, previousEndsAt: "2027-01-01T00:00:00Z" } },
    ],
    [
      "serviceTokenRotation.version",
      { serviceTokenRotation: { version: 2.5, previousEndsAt: "2027-01-01T00:00:00Z" } },
    ],
    ["serviceTokenRotation.previousEndsAt", { serviceTokenRotation: { version: 2, previousEndsAt: "2027" } }],
    ["serviceTokenRotation.previousEndsAt", { serviceTokenRotation: { version: 2, previousEndsAt: "" } }],
  ] satisfies [string, Partial<NomadGatewayProps>][])("%s: %j is one", (prop, overrides) => {
    const problems = problemsOf(made(overrides));
    expect(problems).toEqual([expect.stringContaining(`[stack/Gateway] ${prop}: `)]);
    expect(problems[0]).toMatch(/ got | must /);
  });

  it("are all told at once", () => {
    expect(problemsOf(made({ hostname: "x", origin: "x", jobs: [], accessTeamName: "X" }))).toHaveLength(4);
  });

  it("are not looked for in what is known at apply only", () => {
    const stack = new TerraformStack(testApp(), "stack");
    const text = new TerraformVariable(stack, "text", { type: "string" }).stringValue;
    const gateway = new NomadGateway(stack, "Gateway", {
      ...PROPS,
      hostname: text,
      origin: text,
      accessTeamName: text,
      serviceTokenDuration: text,
      serviceTokenRotation: { version: 2, previousEndsAt: text },
      caPool: text,
      originServerName: text,
    });
    expect(problemsOf(gateway)).toEqual([]);
  });

  it("include a job id that is known at apply only: it cannot be made safe in an expression", () => {
    const stack = new TerraformStack(testApp(), "stack");
    const text = new TerraformVariable(stack, "text", { type: "string" }).stringValue;
    const gateway = new NomadGateway(stack, "Gateway", { ...PROPS, jobs: [text] });
    expect(problemsOf(gateway)).toEqual([expect.stringContaining("jobs: each must be a literal job id")]);
  });
});
