import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { installProgram } from "../runner/install";

/**
 * Puts the connector into a directory as an executable program: to be run as `<path> tunnel run`, with
 * `STAND_IN_EDGE` naming the stand-in's edge and the rest as for cloudflared.
 * @returns the program's path
 */
export async function buildConnector(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const program = join(directory, "cloudflared");
  await installProgram(join(__dirname, "connector.ts"), program);
  return program;
}
