import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalWorker, type WorkerOptions, startWorker } from "../../local/worker/edge";

/** Tells what it was given, and counts in its ledger how often its cron ran. */
const SCRIPT = `
const table = "CREATE TABLE IF NOT EXISTS sweeps (at INTEGER)";
export default {
  async fetch(request, env) {
    console.log(JSON.stringify({ event: "request", path: new URL(request.url).pathname }));
    const { results } = await env.LEDGER.batch([env.LEDGER.prepare(table), env.LEDGER.prepare("SELECT count(*) AS n FROM sweeps")])
      .then(([, second]) => second);
    return Response.json({ sweeps: results[0].n, policy: env.RUNNER_POLICY, url: env.PUBLIC_URL, names: Object.keys(env).sort() });
  },
  async scheduled(event, env) {
    if (env.STATUS_TOKEN === "throw") throw new Error("on purpose");
    await env.LEDGER.batch([env.LEDGER.prepare(table), env.LEDGER.prepare("INSERT INTO sweeps VALUES (1)")]);
  },
};`;

describe("the local edge", () => {
  let worker: LocalWorker | null = null;
  const start = async (options: Partial<WorkerOptions> = {}): Promise<LocalWorker> => {
    worker = await startWorker({ bindings: {}, script: SCRIPT, ...options });
    return worker;
  };
  const ask = async ({ url }: LocalWorker) => (await (await fetch(url)).json()) as Record<string, unknown>;
  afterEach(async () => {
    await worker?.close();
    worker = null;
  });

  test("serves the Worker on loopback with the bindings given, JSON ones parsed, and its own origin as PUBLIC_URL", async () => {
    const started = await start({ bindings: { RUNNER_POLICY: '{"a":[1]}', CLAIM_KEY: "k" } });
    expect(started.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(started)).toEqual({
      sweeps: 0,
      policy: { a: [1] },
      url: started.url,
      names: ["CLAIM_KEY", "LEDGER", "PUBLIC_URL", "RUNNER_POLICY"],
    });
  });

  test("another PUBLIC_URL stays as it was given", async () => {
    const started = await start({ bindings: { PUBLIC_URL: "https://hooks.example.com" } });
    expect(await ask(started)).toMatchObject({ url: "https://hooks.example.com" });
  });

  test("a JSON binding that is not JSON is refused by name, without its text", async () => {
    const bindings = { RUNNER_POLICY: "not-json-at-all" };
    await expect(start({ bindings })).rejects.toThrow("RUNNER_POLICY must be JSON");
    await expect(start({ bindings })).rejects.not.toThrow("not-json-at-all");
  });

  test("a sweep runs the cron to its end; the ledger can be read and written from outside", async () => {
    const started = await start();
    await started.sweep();
    await started.sweep();
    expect(await ask(started)).toMatchObject({ sweeps: 2 });
    const ledger = started.ledger();
    await ledger.prepare("DELETE FROM sweeps").run();
    expect(await ask(started)).toMatchObject({ sweeps: 0 });
  });

  test("a sweep that throws is an error here", async () => {
    const started = await start({ bindings: { STATUS_TOKEN: "throw" } });
    await expect(started.sweep()).rejects.toThrow("the sweep ended with exception");
  });

  test("the cron fires by itself when told how often", async () => {
    const started = await start({ sweepSeconds: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(Number((await ask(started))["sweeps"])).toBeGreaterThanOrEqual(1);
  });

  test("what the Worker logs comes line by line", async () => {
    const heard: string[] = [];
    const started = await start({ onLog: (line) => heard.push(line) });
    await fetch(`${started.url}/path`);
    for (let round = 0; round < 40 && heard.length === 0; round += 1)
      await new Promise((resolve) => setTimeout(resolve, 25));
    expect(heard).toContain('{"event":"request","path":"/path"}');
    expect(started.logs()).toEqual(heard);
  });

  test("a ledger in a directory outlives the Worker, one in memory does not", async () => {
    const directory = await mkdtemp(join(tmpdir(), "edge-test-"));
    try {
      for (const ledgerDir of [directory, undefined]) {
        const first = await start({ ledgerDir });
        await first.sweep();
        await first.close();
        expect(await ask(await start({ ledgerDir }))).toMatchObject({
          sweeps: ledgerDir === undefined ? 0 : 1,
        });
        await worker?.close();
      }
    } finally {
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
