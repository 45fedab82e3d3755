import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../../constructs/worker-bundle";
import { type LocalWorker, startWorker } from "../../local/worker/edge";
import { deliveryHeaders, workflowJob } from "../support/harness/deliveries";
import { BINDINGS, LINUX, POLICY, WEBHOOK_SECRET, acceptingNomad } from "../support/harness/harness";
import { type Origin, startOrigin } from "../support/harness/origin";
import { until } from "./support/dispatching";
import { OPERATOR } from "./support/pausing";

jest.setTimeout(120_000);

const REPO = "octo-org/example";

describe("a pause and a deploy", () => {
  let nomad: Origin;
  let ledgerDir = "";
  beforeAll(async () => {
    nomad = await startOrigin(acceptingNomad);
    ledgerDir = mkdtempSync(join(tmpdir(), "pauses-deploy-"));
  });
  afterAll(async () => {
    await nomad.close();
    rmSync(ledgerDir, { recursive: true, force: true });
  });

  /** A version of the Worker on the ledger that there is. */
  async function deployed<T>(
    version: { readonly more: string; readonly policy: unknown },
    work: (worker: LocalWorker) => Promise<T>,
  ): Promise<T> {
    const { PUBLIC_URL: _, ...rest } = BINDINGS;
    const worker = await startWorker({
      bindings: { ...rest, RUNNER_POLICY: JSON.stringify(version.policy), NOMAD_ADDR: nomad.url },
      script: `${buildWorker().script}\n${version.more}`,
      ledgerDir,
    });
    try {
      return await work(worker);
    } finally {
      await worker.close();
    }
  }

  const send = async (worker: LocalWorker, method: string, path: string, id?: number): Promise<number> => {
    const body = id === undefined ? null : JSON.stringify(workflowJob({ id, repository: REPO }));
    const headers = body === null ? OPERATOR : deliveryHeaders(WEBHOOK_SECRET, body);
    return (await fetch(`${worker.url}${path}`, { method, headers, body })).status;
  };

  test("another version with other settings keeps to it until it is ended, and then sends what waited", async () => {
    await deployed({ more: "", policy: POLICY }, async (worker) => {
      expect(await send(worker, "PUT", `/pauses/${REPO}`)).toBe(204);
      expect(await send(worker, "POST", "/webhook", 1)).toBe(202);
      await worker.sweep();
    });
    const policy = {
      ...POLICY,
      repositories: ["octo-org/*"],
      classes: [{ ...LINUX, maxRunners: 9, pickupDeadlineSeconds: 60 }],
    };
    await deployed({ more: "// the next version", policy }, async (worker) => {
      expect(await send(worker, "POST", "/webhook", 2)).toBe(202);
      await worker.sweep();
      const listed = await fetch(`${worker.url}/pauses`, { headers: OPERATOR });
      expect(await listed.json()).toMatchObject({ paused: [{ repo: REPO }] });
      expect(nomad.seen).toEqual([]);
      expect(await send(worker, "DELETE", `/pauses/${REPO}`)).toBe(204);
      await until("both were sent", () => nomad.seen.length === 2, 20);
    });
    await deployed({ more: "// and the next", policy }, async (worker) => {
      const listed = await fetch(`${worker.url}/pauses`, { headers: OPERATOR });
      expect(await listed.json()).toEqual({ paused: [] });
    });
  });
});
