import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "./place";
import { type NamedSecret, type Piece, findSecrets } from "./secret-search";

/** A text that is no secret, in a place where a secret would be. */
interface Plant {
  readonly secret: NamedSecret;
  /** Where a look has to find it. */
  readonly source: RegExp;
}

/** A search that does not find these finds nothing. */
export interface Planted {
  /** In sight of the job, whatever its driver. */
  readonly inside: readonly Plant[];
  /** On the node, where everybody may read it. */
  readonly outside: readonly Plant[];
  /** The one of them that is a file. */
  readonly file: string;
  /** What the job's step does before it looks around. */
  readonly before: string;
  remove(): Promise<void>;
}

/** Plants texts in environment, files and processes, in each of the forms that are looked for. */
export async function plant(world: World): Promise<Planted> {
  const variable = planted("what was planted in the environment", /^environment$/);
  const own = planted("what was planted in a file of the job's, in base64", /\/_temp\/planted$/);
  const hex = planted("what was planted in a file of the job's, in hex", /\/_temp\/planted$/);
  const argument = planted("what was planted in a command line on the node", /^\/proc\/\*\/cmdline$/);
  const nodes = planted("what was planted in a file on the node", /\/planted-on-the-node$/);
  const neighbour = spawn("sh", ["-c", `sleep 300; : ${argument.secret.text}`], {
    stdio: "ignore",
    detached: true,
  });
  const file = join(world.ground, "planted-on-the-node");
  await writeFile(file, nodes.secret.text);
  await chmod(file, 0o644);
  const wrapped = Buffer.from(JSON.stringify({ key: own.secret.text })).toString("base64");
  return {
    inside: [variable, own, hex],
    outside: [argument, nodes],
    file,
    before: `export PLANTED='${variable.secret.text}'
printf '%s\\n%s\\n' '${wrapped}' '${Buffer.from(hex.secret.text).toString("hex")}' >"$RUNNER_TEMP/planted"`,
    remove: async () => {
      if (neighbour.pid !== undefined) process.kill(-neighbour.pid, "SIGKILL");
      await rm(file, { force: true });
    },
  };
}

/** Whether it was found in its place. */
export function isFound({ secret, source }: Plant, pieces: readonly Piece[]): boolean {
  const there = pieces.filter((piece) => source.test(piece.source));
  return findSecrets([secret], there).length > 0;
}

function planted(name: string, source: RegExp): Plant {
  return { secret: { name, text: `planted-${randomBytes(12).toString("hex")}` }, source };
}
