import { Miniflare } from "miniflare";
import { COMPATIBILITY_DATE } from "../../../contracts/runtime";
import type { Database } from "../../../local/worker/database";
import { Door } from "../../../local/worker/door";

/** A D1 for code that runs in Node. */
export interface LocalD1 extends Database {
  close(): Promise<void>;
}

/** Starts workerd with a local D1 and nothing else. */
export async function startLocalD1(): Promise<LocalD1> {
  const door = new Door({ databases: { LEDGER: "ledger" }, compatibilityDate: COMPATIBILITY_DATE });
  const miniflare = new Miniflare({ workers: [door.worker] });
  await miniflare.ready;
  return { ...door.database(miniflare, "LEDGER"), close: async () => miniflare.dispose() };
}
