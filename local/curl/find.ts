import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { installProgram } from "../runner/install";

/** Whether a program of this name is on a PATH. */
export function isOnPath(program: string, path: string): boolean {
  return path.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return directory !== "";
    } catch {
      return false;
    }
  });
}

/** A PATH on which there is a curl, and whether it is the stand-in. */
export interface CurlPath {
  readonly path: string;
  readonly standIn: boolean;
}

/**
 * Takes the machine's own curl where there is one.
 * @param directory where the stand-in is put otherwise
 */
export async function pathWithCurl(path: string, directory: string): Promise<CurlPath> {
  if (isOnPath("curl", path)) return { path, standIn: false };
  await installCurl(directory);
  return { path: `${directory}${delimiter}${path}`, standIn: true };
}

/** Puts the stand-in into a directory, as `curl`. */
export async function installCurl(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await installProgram(join(__dirname, "curl.ts"), join(directory, "curl"));
}
