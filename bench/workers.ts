import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../constructs/worker-bundle";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, SWEEP_CRON } from "../contracts/runtime";
import type { Database } from "../local/worker/database";
import { type Json, type Runtime, startRuntime } from "../local/worker/runtime";
import { COUNTED_MODULE, COUNTING } from "./counting";
import { workerdProcesses } from "./processes";

/** A Worker in a workerd of its own. */
export interface BenchWorker {
  /** Port of the socket that leads straight into it. */
  readonly port: number;
  /** Of its workerd. */
  readonly pid: number;
  readonly ledger: Database;
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** Bindings that the product and its floors share. */
export interface Secrets {
  readonly webhook: string;
  readonly nomadToken: string;
}

export const SECRETS: Secrets = {
  webhook: "a webhook secret for benchmarks, 32 bytes",
  nomadToken: "11111111-2222-3333-4444-555555555555",
};

/** Labels of the one class. */
export const LABELS = ["self-hosted", "linux", "x64"];

const CLASSES = [{ name: "linux", job: "github-runner-linux", labels: LABELS }];

/** Owner of all repositories, whose jobs the policy lets in. */
const REPOSITORIES = ["octo-org/*"];

/** A policy of which a sweep asks GitHub nothing without a reason, so that sweeps measure the ledger. */
const QUIET_POLICY: Json = {
  repositories: REPOSITORIES,
  classes: CLASSES,
  cleanUp: "off",
  redelivery: "off",
  recovery: "off",
};

/** What a policy is where nothing is turned off. */
export const USUAL_POLICY: Json = { repositories: REPOSITORIES, classes: CLASSES };

/** The bindings as a small installation has them; GitHub and Nomad are one process, at `originPort`. */
export function productBindings(originPort: number): Record<string, Json> {
  const origin = `http://127.0.0.1:${String(originPort)}`;
  return {
    RUNNER_POLICY: QUIET_POLICY,
    GITHUB_WEBHOOK_SECRET: SECRETS.webhook,
    GITHUB_TOKEN: "github_pat_for_benchmarks",
    GITHUB_API_URL: `${origin}/api/v3`,
    NOMAD_ADDR: origin,
    NOMAD_TOKEN: SECRETS.nomadToken,
    NOMAD_NAMESPACE: "runners",
    CF_ACCESS_CLIENT_ID: "abcdef.access",
    CF_ACCESS_CLIENT_SECRET: "an-access-secret-for-benchmarks",
    PUBLIC_URL: "https://runners.example.com",
    CLAIM_KEY: "a claim key for benchmarks, 32 bytes or more",
    STATUS_TOKEN: "a-status-token-for-benchmarks",
  };
}

/** What floors need. */
export function floorBindings(originPort: number): Record<string, Json> {
  return {
    SECRET: SECRETS.webhook,
    NOMAD_TOKEN: SECRETS.nomadToken,
    NOMAD_ADDR: `http://127.0.0.1:${String(originPort)}`,
  };
}

/**
 * The shipped bundle, with a ledger on disk.
 * @param counting counts what it sends
 * @param changes bindings put in place of the usual ones
 */
export async function startProduct(
  originPort: number,
  counting = false,
  changes: Record<string, Json> = {},
): Promise<BenchWorker> {
  const { script } = buildWorker();
  const worker = await startWorker({
    script: counting ? COUNTING : script,
    modules: counting ? { [COUNTED_MODULE]: script } : {},
    bindings: { ...productBindings(originPort), ...changes },
  });
  // The first sweep makes the tables.
  await worker.sweep();
  return worker;
}

/** Any Worker, with a D1 database on disk that it may use or not. */
export async function startWorker(options: {
  readonly script: string;
  readonly modules?: Readonly<Record<string, string>>;
  readonly bindings: Record<string, Json>;
}): Promise<BenchWorker> {
  const directory = mkdtempSync(join(tmpdir(), "bench-ledger-"));
  const before = new Set(workerdProcesses());
  let runtime: Runtime;
  try {
    runtime = await startRuntime({
      ...options,
      compatibilityDate: COMPATIBILITY_DATE,
      compatibilityFlags: COMPATIBILITY_FLAGS,
      databases: { LEDGER: "ledger" },
      databaseDir: directory,
      direct: true,
      // Lines are read, as Cloudflare reads them, and dropped.
      onLine: () => undefined,
    });
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
  return {
    port: Number(new URL(await runtime.directUrl()).port),
    pid: workerdProcesses().find((pid) => !before.has(pid)) ?? 0,
    ledger: runtime.database("LEDGER"),
    sweep: () => runtime.schedule(SWEEP_CRON),
    close: async () => {
      await runtime.close();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
