import { bindingProblems, renderBindings } from "../../constructs/worker-bindings";
import { BINDING_NAMES, type BindingValues, WORKER_BINDINGS, type WorkerEnv } from "../../contracts/bindings";

const STORED = { storeId: "store", secretName: "name" };

/** A value for every binding there is. `satisfies`: the list cannot be shorter or longer than the contract's. */
const ALL = {
  LEDGER: "database-id",
  RUNNER_POLICY: "{}",
  GITHUB_WEBHOOK_SECRET: "secret",
  GITHUB_WEBHOOK_SECRET_PREVIOUS: "secret",
  GITHUB_API_URL: "https://api.github.com",
  GITHUB_APP_ID: "1",
  GITHUB_APP_PRIVATE_KEY: STORED,
  GITHUB_TOKEN: "token",
  NOMAD_ADDR: "https://nomad.example.com",
  NOMAD_TOKEN: "token",
  NOMAD_NAMESPACE: "default",
  CF_ACCESS_CLIENT_ID: "id",
  CF_ACCESS_CLIENT_SECRET: "secret",
  PUBLIC_URL: "https://runners.example.com",
  CLAIM_KEY: "key",
  CLAIM_KEY_PREVIOUS: "key",
  CREDENTIAL_EXPIRY: "{}",
  STATUS_TOKEN: "token",
} as const satisfies Required<BindingValues>;

const REQUIRED = {
  LEDGER: "id",
  RUNNER_POLICY: "{}",
  GITHUB_WEBHOOK_SECRET: "secret",
  NOMAD_ADDR: "https://nomad.example.com",
  NOMAD_TOKEN: "token",
  PUBLIC_URL: "https://runners.example.com",
  CLAIM_KEY: "key",
  STATUS_TOKEN: "token",
} as const satisfies BindingValues;

describe("renderBindings", () => {
  it("declares every binding of the contract, sorted by name", () => {
    expect(renderBindings(ALL).map(({ name }) => name)).toEqual([...BINDING_NAMES].sort());
  });

  it("declares the required ones alone when no other is given", () => {
    const required = BINDING_NAMES.filter((name) => WORKER_BINDINGS[name].required);
    expect(renderBindings(REQUIRED).map(({ name }) => name)).toEqual([...required].sort());
  });

  it("gives each kind the provider's type and field", () => {
    const rendered = renderBindings(ALL);
    expect(rendered).toContainEqual({ name: "LEDGER", type: "d1", id: "database-id" });
    expect(rendered).toContainEqual({ name: "RUNNER_POLICY", type: "json", json: "{}" });
    expect(rendered).toContainEqual({
      name: "NOMAD_ADDR",
      type: "plain_text",
      text: "https://nomad.example.com",
    });
    expect(rendered).toContainEqual({ name: "CLAIM_KEY", type: "secret_text", text: "key" });
    expect(rendered).toContainEqual({
      name: "GITHUB_APP_PRIVATE_KEY",
      type: "secrets_store_secret",
      ...STORED,
    });
  });

  it("never gives a secret as plain text", () => {
    for (const { name, type } of renderBindings(ALL)) {
      const secret = WORKER_BINDINGS[name as keyof typeof WORKER_BINDINGS].kind === "secret";
      expect([name, type === "plain_text" || type === "json"]).toEqual([name, !secret && name !== "LEDGER"]);
    }
  });

  it("keeps what looks like a template a text", () => {
    const policy = JSON.stringify({ repositories: ["${path.module}", "%{x}"] });
    expect(renderBindings({ ...REQUIRED, RUNNER_POLICY: policy })).toContainEqual({
      name: "RUNNER_POLICY",
      type: "json",
      json: '{"repositories":["$${path.module}","%%{x}"]}',
    });
  });
});

describe("bindingProblems", () => {
  it("names the bindings that are empty or over Cloudflare's limit, and shows no value", () => {
    const long = "s".repeat(5_001);
    const problems = bindingProblems({ ...REQUIRED, CLAIM_KEY: long, STATUS_TOKEN: "" });
    expect(problems).toEqual([
      "CLAIM_KEY: must be at most 5000 bytes, got 5001",
      "STATUS_TOKEN: must not be empty",
    ]);
  });

  it("takes what is exactly at the limit, counted in bytes", () => {
    expect(bindingProblems({ ...REQUIRED, CLAIM_KEY: "s".repeat(5_000) })).toEqual([]);
    expect(bindingProblems({ ...REQUIRED, CLAIM_KEY: "ü".repeat(2_501) })).toHaveLength(1);
  });
});

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** tsc fails when what a construct may declare and what the Worker may receive are not the same names. */
export const SAME_NAMES: Same<keyof WorkerEnv<unknown>, keyof Required<BindingValues>> = true;

/** Never called: tsc fails when one of these starts to compile. */
export function mustNotCompile(): void {
  const { CLAIM_KEY: _left, ...withoutKey } = REQUIRED;
  // @ts-expect-error a required binding is missing
  renderBindings(withoutKey);
  // @ts-expect-error there is no binding of this name
  renderBindings({ ...REQUIRED, GITHUB_WEBHOOK_SECRETS: "x" });
  // @ts-expect-error only a binding that the Worker reads with get() may come from the Secrets Store
  renderBindings({ ...REQUIRED, CLAIM_KEY: STORED });
  // @ts-expect-error a value is text
  renderBindings({ ...REQUIRED, NOMAD_NAMESPACE: 1 });
}
