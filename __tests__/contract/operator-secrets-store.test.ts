import { Miniflare } from "miniflare";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS } from "../../contracts/runtime";
import { deliveryHeaders, workflowJob } from "../support/harness/deliveries";
import { BINDINGS, WEBHOOK_SECRET, acceptingGithub, acceptingNomad } from "../support/harness/harness";
import { type Origin, startOrigin } from "../support/harness/origin";
import { PUBLIC_URL, bundle } from "../support/harness/runtimes";
import { answerOf, postSigned, useHarness } from "../support/webhook";

const TOKEN = "github_pat_from_the_store";
const MISSING = {
  status: 503,
  body: expect.objectContaining({ missing: ["GITHUB_TOKEN"], invalid: [] }) as unknown,
};
const TRY_AGAIN = { status: 503, body: { error: "not now; try again" } };

/** What a case does, whatever runs the Worker. */
interface World {
  readonly github: Origin;
  readonly nomad: Origin;
  fetch(path: string, init: RequestInit): Promise<Response>;
}

/** The claim of the one dispatch there was. */
function claimIn(world: World): string {
  const { Payload } = JSON.parse(world.nomad.seen[0]?.body ?? "{}") as { Payload?: string };
  const text = Buffer.from(Payload ?? "", "base64").toString("utf8");
  return (JSON.parse(text) as { claim: string }).claim;
}

async function claim(world: World): Promise<Response> {
  const headers = { Authorization: `Bearer ${claimIn(world)}` };
  return world.fetch("/runners/claim", { method: "POST", headers });
}

async function health(world: World): Promise<{ status: number; body: unknown }> {
  return answerOf(await world.fetch("/healthz", { method: "GET" }));
}

/** The store does not answer: `/healthz` says so, jobs are accepted and dispatched all the same, and a runner is told
 *  to try again, since nobody can register it. */
async function expectBroken(world: World): Promise<void> {
  expect(await health(world)).toEqual(MISSING);
  expect(world.nomad.seen).toHaveLength(1);
  const response = await claim(world);
  expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(await answerOf(response)).toEqual(TRY_AGAIN);
  expect(world.github.seen).toEqual([]);
}

/** The store answers: the same claim is granted, with the token that it holds now. */
async function expectMended(world: World): Promise<void> {
  expect((await health(world)).status).toBe(200);
  expect((await claim(world)).status).toBe(201);
  expect(world.github.seen.map((one) => one.headers.authorization)).toEqual([`Bearer ${TOKEN}`]);
}

describe("a Secrets Store that throws, on the Worker's sources", () => {
  const harness = useHarness("node");

  test.each([
    ["rejects", async () => Promise.reject(new Error(`cannot read ${TOKEN}`))],
    ["holds an empty text", async () => Promise.resolve("")],
    ["holds white space", async () => Promise.resolve(" \n")],
  ])("when it %s: missing in /healthz, 503 to a claim, and read anew when it answers", async (_, broken) => {
    await harness().reset();
    let get: () => Promise<string> = broken;
    await harness().bind({ GITHUB_TOKEN: { get: async () => get() } });
    const { github, nomad, runtime } = harness();
    const world: World = { github, nomad, fetch: async (path, init) => runtime.fetch(path, init) };
    expect((await postSigned(harness(), workflowJob({ id: 1 }))).status).toBe(202);
    await expectBroken(world);
    expect(runtime.lines.filter((line) => line.includes(TOKEN))).toEqual([]);
    // As wrangler stores what was piped into it, with a line break.
    get = async () => Promise.resolve(`${TOKEN}\n`);
    await expectMended(world);
  });
});

// The harness binds texts only; here the bundle has the store of workerd itself, in which the secret is not yet made.
describe("a Secrets Store without the secret, on the bundle in workerd", () => {
  let github: Origin;
  let nomad: Origin;
  let miniflare: Miniflare;
  beforeAll(async () => {
    github = await startOrigin(acceptingGithub());
    nomad = await startOrigin(acceptingNomad);
    const { GITHUB_TOKEN: _, ...bindings } = BINDINGS;
    miniflare = new Miniflare({
      compatibilityDate: COMPATIBILITY_DATE,
      compatibilityFlags: [...COMPATIBILITY_FLAGS],
      modules: [{ type: "ESModule", path: "worker.js", contents: (await bundle()).script }],
      bindings: { ...bindings, GITHUB_API_URL: github.url, NOMAD_ADDR: nomad.url },
      d1Databases: ["LEDGER"],
      secretsStoreSecrets: { GITHUB_TOKEN: { store_id: "a-store", secret_name: "github-token" } },
      handleRuntimeStdio: () => undefined,
    });
  });
  afterAll(async () => {
    await miniflare.dispose();
    await Promise.all([github.close(), nomad.close()]);
  });

  test("missing in /healthz, 503 to a claim, and read anew once it is there", async () => {
    const world: World = {
      github,
      nomad,
      fetch: async (path, init) =>
        (await miniflare.dispatchFetch(
          PUBLIC_URL + path,
          init as Parameters<Miniflare["dispatchFetch"]>[1],
        )) as unknown as Response,
    };
    const body = JSON.stringify(workflowJob({ id: 1 }));
    const headers = deliveryHeaders(WEBHOOK_SECRET, body);
    expect((await world.fetch("/webhook", { method: "POST", body, headers })).status).toBe(202);
    for (let round = 0; round < 200 && nomad.seen.length === 0; round++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await expectBroken(world);
    await (await miniflare.getSecretsStoreSecretAPI("GITHUB_TOKEN"))().create(TOKEN);
    await expectMended(world);
  });
});
