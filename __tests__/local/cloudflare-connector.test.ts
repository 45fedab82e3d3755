import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildConnector } from "../../local/cloudflare/build-connector";
import { type CloudflareStandIn, startCloudflare } from "../../local/cloudflare/cloudflare";
import { freePort } from "../../local/http/free-port";
import { type LoopbackServer, serve } from "../../local/http/serve";
import { eventually } from "../support/eventually";
import { watchLeftovers } from "../support/leftovers";
import { call, visit } from "./support/cloudflare-client";
import { holdConnector } from "./support/cloudflare-connection";
import { DISPATCH_PATH, type Gateway, NOMAD_HOST, makeGateway } from "./support/cloudflare-gateway";
import { expectNothingLeft } from "./support/nothing-left";

const leftovers = watchLeftovers();
let directory: string;
let program: string;
let cloudflare: CloudflareStandIn;
let origin: LoopbackServer;
let gateway: Gateway;
/** What the origin waits for before it answers. */
let answered: Promise<void> = Promise.resolve();
let requests = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "connector-"));
  program = await buildConnector(directory);
  origin = await serve(async () => {
    requests += 1;
    await answered;
    return new Response("dispatched");
  });
});
beforeEach(async () => {
  answered = Promise.resolve();
  requests = 0;
  cloudflare = await startCloudflare();
  gateway = await makeGateway(cloudflare, origin.url);
});
afterEach(async () => {
  for (const { process } of started.splice(0)) process.kill("SIGKILL");
  await cloudflare.close();
});
afterAll(async () => {
  await origin.close();
  rmSync(directory, { recursive: true, force: true });
  await expectNothingLeft(leftovers);
});

interface Connector {
  readonly process: ChildProcess;
  readonly log: () => string;
  readonly code: Promise<number | null>;
}
const started: Connector[] = [];

function run(env: Readonly<Record<string, string>>, args: readonly string[] = ["tunnel", "run"]): Connector {
  const child = spawn(program, args, {
    env: {
      PATH: process.env["PATH"],
      STAND_IN_EDGE: cloudflare.edgeUrl,
      TUNNEL_METRICS: "127.0.0.1:0",
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const connector = { process: child, log: () => log, code };
  started.push(connector);
  return connector;
}

const isUp = (count = 1) => eventually(() => cloudflare.connectors(gateway.tunnelId) === count);
const dispatch = () =>
  visit(cloudflare, NOMAD_HOST, DISPATCH_PATH, { method: "POST", headers: gateway.headers });
const tunnel = async () => (await call(cloudflare, "GET", `A/cfd_tunnel/${gateway.tunnelId}`)).result;

describe("the connector", () => {
  test("opens the tunnel, says so on /ready, and shuts it on SIGTERM", async () => {
    const port = await freePort();
    const connector = run({ TUNNEL_TOKEN: gateway.tunnelToken, TUNNEL_METRICS: `127.0.0.1:${String(port)}` });
    expect(await isUp()).toBe(true);
    expect(await dispatch()).toMatchObject({ status: 200, text: "dispatched" });
    const ready = await fetch(`http://127.0.0.1:${String(port)}/ready`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: 200, readyConnections: 1, connectorId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown },
    ]);
    expect(await tunnel()).toMatchObject({
      status: "healthy",
      connections: [{ client_version: "stand-in" }],
    });
    connector.process.kill("SIGTERM");
    expect(await connector.code).toBe(0);
    expect(await isUp(0)).toBe(true);
    expect(await dispatch()).toMatchObject({ status: 530, text: "error code: 1033" });
    expect(await tunnel()).toMatchObject({ status: "down", connections: [] });
  });

  test("takes its token from a file, as a job does, and never shows it", async () => {
    const file = join(directory, "tunnel-token");
    writeFileSync(file, `${gateway.tunnelToken}\n`);
    chmodSync(file, 0o600);
    const connector = run({ TUNNEL_TOKEN_FILE: file, NO_AUTOUPDATE: "true" });
    expect(await isUp()).toBe(true);
    connector.process.kill("SIGTERM");
    await connector.code;
    expect(connector.log()).toContain("Registered tunnel connection");
    expect(connector.log()).not.toContain(gateway.tunnelToken);
  });

  test("a tunnel with a connector is not deleted; without it, it is", async () => {
    const connector = run({ TUNNEL_TOKEN: gateway.tunnelToken });
    expect(await isUp()).toBe(true);
    expect(await call(cloudflare, "DELETE", `A/cfd_tunnel/${gateway.tunnelId}`)).toMatchObject({
      status: 400,
      errors: [{ code: 1022, message: "Cannot delete tunnel because it has active connections" }],
    });
    connector.process.kill("SIGTERM");
    await connector.code;
    expect(await isUp(0)).toBe(true);
    expect(await call(cloudflare, "DELETE", `A/cfd_tunnel/${gateway.tunnelId}`)).toMatchObject({
      status: 200,
    });
    await expect(holdConnector(cloudflare.edgeUrl, gateway.tunnelToken)).rejects.toThrow("answered 401");
  });

  test("a killed one counts no longer", async () => {
    const connector = run({ TUNNEL_TOKEN: gateway.tunnelToken });
    expect(await isUp()).toBe(true);
    connector.process.kill("SIGKILL");
    expect(await isUp(0)).toBe(true);
  });

  test("on SIGTERM it takes no new request, and leaves when the last one has ended", async () => {
    let answer = (): void => undefined;
    answered = new Promise((resolve) => {
      answer = resolve;
    });
    const connector = run({ TUNNEL_TOKEN: gateway.tunnelToken, TUNNEL_GRACE_PERIOD: "20s" });
    expect(await isUp()).toBe(true);
    const inside = dispatch();
    expect(await eventually(() => requests === 1)).toBe(true);
    connector.process.kill("SIGTERM");
    await cloudflare.events.waitFor((it) => it.type === "connector" && it.state === "draining", "the drain");
    expect(await dispatch()).toMatchObject({ status: 530 });
    expect(connector.process.exitCode).toBeNull();
    answer();
    expect(await inside).toMatchObject({ status: 200 });
    expect(await connector.code).toBe(0);
  });

  test("waits no longer than its grace period", async () => {
    let answer = (): void => undefined;
    answered = new Promise((resolve) => {
      answer = resolve;
    });
    const connector = run({ TUNNEL_TOKEN: gateway.tunnelToken, TUNNEL_GRACE_PERIOD: "200ms" });
    expect(await isUp()).toBe(true);
    const inside = dispatch();
    expect(await eventually(() => requests === 1)).toBe(true);
    connector.process.kill("SIGTERM");
    expect(await connector.code).toBe(0);
    answer();
    await inside;
  });

  test("two share a tunnel, and one is enough", async () => {
    const [first] = [run({ TUNNEL_TOKEN: gateway.tunnelToken }), run({ TUNNEL_TOKEN: gateway.tunnelToken })];
    expect(await isUp(2)).toBe(true);
    first.process.kill("SIGTERM");
    await first.code;
    expect(await isUp(1)).toBe(true);
    expect(await dispatch()).toMatchObject({ status: 200 });
  });

  test("dials again when the edge was away, and ends when its token is then refused", async () => {
    const port = Number(new URL(cloudflare.edgeUrl).port);
    const metrics = await freePort();
    run({ TUNNEL_TOKEN: gateway.tunnelToken, TUNNEL_METRICS: `127.0.0.1:${String(metrics)}` });
    expect(await isUp()).toBe(true);
    const { accountId, zone } = cloudflare;
    await cloudflare.close();
    const isReady = async () => (await fetch(`http://127.0.0.1:${String(metrics)}/ready`)).status === 200;
    expect(await eventually(async () => !(await isReady()))).toBe(true);
    cloudflare = await startCloudflare({ edgePort: port, accountId, zone });
    // Another account's tunnels: its token is refused for good, and it ends.
    expect(await started[0]?.code).toBe(1);
  });

  test.each([
    ["no token", {}],
    ["a token that is none", { TUNNEL_TOKEN: "bm9uZQ==" }],
    ["a token's file that is not there", { TUNNEL_TOKEN_FILE: "/nowhere/token" }],
    ["a grace period of more than 3 minutes", { TUNNEL_TOKEN: "given", TUNNEL_GRACE_PERIOD: "4m" }],
    ["no edge", { TUNNEL_TOKEN: "given", STAND_IN_EDGE: "" }],
  ])("ends with 1 for %s", async (_what, env) => {
    const given = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value === "given" ? gateway.tunnelToken : value]),
    );
    const connector = run(given);
    expect(await connector.code).toBe(1);
    expect(connector.log()).toContain("ERR");
  });

  test("takes cloudflared's flags before and after the command, and knows no others", async () => {
    const args = ["--no-autoupdate", "tunnel", "--grace-period=1s", "run", "--token", gateway.tunnelToken];
    run({}, args);
    expect(await isUp()).toBe(true);
    expect(await run({}, ["tunnel", "run", "--edge"]).code).toBe(1);
    expect(await run({}, ["version"]).code).toBe(1);
  });
});
