import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { eventually } from "../../support/eventually";
import type { Leftovers } from "../../support/leftovers";

/** Miniflare removes its directory after it has said that it is gone. */
const REMOVAL_MS = 3_000;

/** Expects that no process and no file is left, once workerd's have had the time to go. */
export async function expectNothingLeft(leftovers: Leftovers): Promise<void> {
  await eventually(() => !readdirSync(tmpdir()).some((it) => it.startsWith("miniflare-")), REMOVAL_MS);
  expect(await leftovers.end()).toEqual({ processes: [], files: [] });
}
