import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildWorker } from "../../constructs/worker-bundle";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS } from "../../contracts/runtime";
import { freePort } from "../../local/http/free-port";
import { sharedNow } from "../clock";
import { HMAC_FLOOR } from "../floors";
import { openConnection } from "../load/connection";
import { requestsOf } from "../load/requests";
import type { StartResults } from "../results";
import { type Stage, deliveries, pause } from "../stage";
import { spreadOf } from "../statistics";
import { floorBindings, productBindings } from "../workers";

const PATIENCE_MS = 20_000;

/** From the start of a process of workerd to its answer to a forged delivery, for the product and for floor (a). What is
 *  in the bundle is parsed and run in that time, and the ledger is not asked. */
export async function measureStart(stage: Stage): Promise<StartResults> {
  const { script, bytes } = buildWorker();
  const directory = mkdtempSync(join(tmpdir(), "bench-start-"));
  const product: number[] = [];
  const floor: number[] = [];
  try {
    const files = { product: join(directory, "product.js"), floor: join(directory, "floor.js") };
    writeFileSync(files.product, script);
    writeFileSync(files.floor, HMAC_FLOOR);
    for (let round = -1; round < (stage.quick ? 3 : 9); round++) {
      const floorMs = await startOnce(directory, "floor.js", floorBindings(stage.originPort));
      const productMs = await startOnce(directory, "product.js", productBindings(stage.originPort));
      if (round < 0) continue;
      floor.push(floorMs);
      product.push(productMs);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return { product: spreadOf(product), floor: spreadOf(floor), bytes, gzipBytes: gzipSync(script).length };
}

async function startOnce(
  directory: string,
  script: string,
  bindings: Readonly<Record<string, unknown>>,
): Promise<number> {
  const port = await freePort();
  writeFileSync(join(directory, "config.capnp"), config(script, port, bindings));
  const began = sharedNow();
  const child = spawn(workerdPath(), ["serve", "config.capnp"], { cwd: directory, stdio: "ignore" });
  try {
    const status = await firstAnswer(child, port);
    const took = sharedNow() - began;
    if (status !== 401) throw new Error(`${script}: a forged delivery was answered with ${String(status)}.`);
    return took;
  } finally {
    await ended(child);
  }
}

/** miniflare's own runtime: what all other measures run on. */
function workerdPath(): string {
  const { default: path } = createRequire(require.resolve("miniflare"))("workerd") as {
    readonly default: string;
  };
  return path;
}

async function firstAnswer(child: ChildProcess, port: number): Promise<number> {
  const [request = Buffer.alloc(0)] = requestsOf(deliveries([1], { secret: "another" }));
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      const connection = await openConnection(port);
      const { status } = await connection.send(request);
      connection.close();
      return status;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > end) throw error;
      // It does not listen yet.
      await pause(1);
    }
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => {
      resolve();
    });
    child.kill("SIGKILL");
  });
}

/** @see https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function config(script: string, port: number, bindings: Readonly<Record<string, unknown>>): string {
  const list = Object.entries(bindings).map(([name, value]) =>
    typeof value === "string"
      ? `( name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)} )`
      : `( name = ${JSON.stringify(name)}, json = ${JSON.stringify(JSON.stringify(value))} )`,
  );
  // It has every method, as the stub of a service does, and is not asked for any.
  list.push('( name = "LEDGER", service = "main" )');
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ ( name = "main", worker = (
    modules = [ ( name = "worker.js", esModule = embed ${JSON.stringify(script)} ) ],
    compatibilityDate = ${JSON.stringify(COMPATIBILITY_DATE)},
    compatibilityFlags = ${JSON.stringify(COMPATIBILITY_FLAGS)},
    bindings = [ ${list.join(", ")} ]
  ) ) ],
  sockets = [ ( name = "http", address = "127.0.0.1:${String(port)}", http = (), service = "main" ) ]
);
`;
}
