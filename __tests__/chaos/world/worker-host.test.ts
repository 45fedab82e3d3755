import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../../../constructs/worker-bundle";
import { makeSecrets } from "../../../local/secrets";
import { POLICY } from "../plan/settings";
import { WorkerHost } from "./worker-host";

const SECRETS = makeSecrets();

describe("a Worker whose workerd is killed", () => {
  let directory: string;
  let host: WorkerHost;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "chaos-"));
    const bindings = {
      RUNNER_POLICY: JSON.stringify(POLICY),
      GITHUB_WEBHOOK_SECRET: SECRETS.webhookSecret,
      GITHUB_TOKEN: SECRETS.githubToken,
      NOMAD_ADDR: "http://127.0.0.1:9",
      NOMAD_TOKEN: SECRETS.nomadToken,
      CLAIM_KEY: SECRETS.claimKey,
      STATUS_TOKEN: SECRETS.statusToken,
    };
    const ledgerDir = join(directory, "ledger");
    host = await WorkerHost.start({
      bindings,
      ledgerDir,
      script: buildWorker().script,
      onLog: () => undefined,
    });
    await host.sweep();
  }, 60_000);
  afterAll(async () => {
    await host.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  test("serves again on the same port, with all that was committed and nothing that was not", async () => {
    await host.transaction(["INSERT INTO pauses (repo, since) VALUES ('octo-org/app', 5)"]);
    const killed = host.kill();
    const read = host.transaction(["SELECT repo, since FROM pauses"]);
    await killed;
    expect(await read).toEqual([[{ repo: "octo-org/app", since: 5 }]]);
    expect((await fetch(`${host.url}/healthz`)).status).toBe(200);
  }, 60_000);

  test("tells of a sweep that it ended in the middle, and of a wrong statement", async () => {
    const swept = host.sweep();
    await host.kill();
    expect([true, false]).toContain(await swept);
    expect(await host.sweep()).toBe(true);
    await expect(host.transaction(["SELECT 1 FROM nowhere"])).rejects.toThrow(/no such table/);
  }, 60_000);
});
