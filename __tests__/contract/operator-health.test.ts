import { REQUIRED_BINDINGS } from "../../contracts/bindings";
import { workflowJob } from "../support/harness/deliveries";
import { BINDINGS, type Harness, POLICY } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { answerOf, postSigned, useHarness } from "../support/webhook";

const { version } = jest.requireActual<{ version: string }>("../../package.json");

/** The version that the bundle was built with; the sources run without one. */
const VERSION = { node: "development", workerd: version };

const EITHER = "GITHUB_TOKEN or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY";
const SECRETS = [
  BINDINGS.GITHUB_WEBHOOK_SECRET,
  BINDINGS.GITHUB_TOKEN,
  BINDINGS.NOMAD_TOKEN,
  BINDINGS.CF_ACCESS_CLIENT_SECRET,
  BINDINGS.CLAIM_KEY,
  BINDINGS.STATUS_TOKEN,
];

async function health(harness: Harness): Promise<{ status: number; body: unknown }> {
  const response = await harness.runtime.fetch("/healthz", { method: "GET" });
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  return answerOf(response);
}

describe.each(RUNTIMES)("/healthz (%s)", (runtime) => {
  const harness = useHarness(runtime);
  const unhealthy = (missing: readonly string[], invalid: readonly unknown[] = []) => ({
    status: 503,
    body: { status: "not configured", version: VERSION[runtime], missing, invalid },
  });

  test("is 200 with the version when everything is bound, and asks nobody", async () => {
    await harness().reset();
    expect(await health(harness())).toEqual({
      status: 200,
      body: { status: "ok", version: VERSION[runtime] },
    });
    expect(harness().nomad.seen).toEqual([]);
    expect(harness().github.seen).toEqual([]);
  });

  test("answers HEAD, and refuses what would change something with 405", async () => {
    expect((await harness().runtime.fetch("/healthz", { method: "HEAD" })).status).toBe(200);
    for (const method of ["POST", "PUT", "DELETE"]) {
      const response = await harness().runtime.fetch("/healthz", { method });
      expect(response.headers.get("Allow")).toBe("GET");
      expect(await answerOf(response)).toEqual({ status: 405, body: { error: "use GET" } });
    }
  });

  // One binding left out, and what stops working with it.
  test.each(REQUIRED_BINDINGS)(
    "without %s is 503 and names it, and no delivery is accepted",
    async (name) => {
      await harness().bind({ [name]: undefined });
      expect(await health(harness())).toEqual(unhealthy([name]));
      const delivered = await postSigned(harness(), workflowJob({ id: 1 }));
      // The bearer of /status is an operator's; jobs do not wait for it.
      expect(delivered.status).toBe(name === "STATUS_TOKEN" ? 202 : 503);
      expect(harness().nomad.seen).toHaveLength(name === "STATUS_TOKEN" ? 1 : 0);
      const status = await harness().runtime.fetch("/status", {
        method: "GET",
        headers: { Authorization: `Bearer ${BINDINGS.STATUS_TOKEN}` },
      });
      expect(status.status).toBe(503);
      harness().nomad.seen.length = 0;
    },
  );

  test.each([
    ["no GitHub credential", { GITHUB_TOKEN: undefined }, [EITHER]],
    ["an empty GitHub credential", { GITHUB_TOKEN: "" }, [EITHER]],
    ["half of an App", { GITHUB_APP_ID: "12345" }, ["GITHUB_APP_PRIVATE_KEY"]],
    ["the other half of an App", { GITHUB_APP_PRIVATE_KEY: "a key" }, ["GITHUB_APP_ID"]],
    ["half of an Access token", { CF_ACCESS_CLIENT_SECRET: undefined }, ["CF_ACCESS_CLIENT_SECRET"]],
    ["empty texts", { NOMAD_ADDR: "", CLAIM_KEY: "" }, ["NOMAD_ADDR", "CLAIM_KEY"]],
    [
      "several missing",
      { RUNNER_POLICY: undefined, NOMAD_TOKEN: undefined, STATUS_TOKEN: undefined },
      ["RUNNER_POLICY", "NOMAD_TOKEN", "STATUS_TOKEN"],
    ],
  ])("with %s is 503 and names all that is missing", async (_, changes, missing) => {
    await harness().bind(changes);
    expect(await health(harness())).toEqual(unhealthy(missing));
  });

  test.each([
    ["an address that is none", { NOMAD_ADDR: "nomad:4646" }, /^NOMAD_ADDR must be/],
    [
      "an address with credentials",
      { NOMAD_ADDR: "https://me:pass@nomad.example.test" },
      /^NOMAD_ADDR must be/,
    ],
    ["a public URL with a path", { PUBLIC_URL: "https://hooks.example.test/x" }, /^PUBLIC_URL must be/],
    ["a token with a line break", { NOMAD_TOKEN: "token\nbreak" }, /^NOMAD_TOKEN must be/],
    [
      "a policy that is none",
      { RUNNER_POLICY: { ...POLICY, classes: [] } },
      /^RUNNER_POLICY classes: must be/,
    ],
    ["an end that is no time", { CREDENTIAL_EXPIRY: { access: "soon" } }, /^CREDENTIAL_EXPIRY must be/],
    [
      "a private key that is none",
      { GITHUB_APP_ID: "12345", GITHUB_APP_PRIVATE_KEY: "a key" },
      /^GITHUB_APP_PRIVATE_KEY must be/,
    ],
  ])("with %s is 503 and says what it must be, without the value of a secret", async (_, changes, text) => {
    await harness().bind(changes);
    const found = await health(harness());
    expect(found).toEqual(unhealthy([], [expect.stringMatching(text)]));
    const said = JSON.stringify(found);
    const values = [...SECRETS, "token\\nbreak", "me:pass", "a key"];
    expect(values.filter((value) => said.includes(value))).toEqual([]);
  });

  test("works without what is optional", async () => {
    await harness().reset();
    await harness().bind({
      CF_ACCESS_CLIENT_ID: undefined,
      CF_ACCESS_CLIENT_SECRET: undefined,
      NOMAD_NAMESPACE: undefined,
      GITHUB_API_URL: undefined,
    });
    expect((await health(harness())).status).toBe(200);
    expect((await postSigned(harness(), workflowJob({ id: 1 }))).status).toBe(202);
    const [sent] = harness().nomad.seen;
    expect(sent?.path).toBe("/v1/job/github-runner-linux/dispatch?namespace=default&idempotency_token=1%3A1");
    expect(Object.keys(sent?.headers ?? {}).filter((name) => name.startsWith("cf-access"))).toEqual([]);
  });
});
