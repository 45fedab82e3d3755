import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { isProgram } from "../programs";

/** Where requests to an origin of the internet go on this machine. */
export interface PublicOrigin {
  /** Such as `https://runners.example.com`. */
  readonly origin: string;
  /** A loopback listener that tells hosts apart by their `Host` header. */
  readonly listener: string;
}

/**
 * Puts a `curl` first on a PATH that finds a public origin on loopback, as DNS and TLS would on the internet. It reads
 * what the runner's scripts give curl on its standard input, changes the URL there and names the host, and hands
 * everything on to the machine's own curl. Every other call is handed on untouched.
 * @returns the PATH
 * @throws Error when there is no curl to hand on to
 */
export async function pathWithPublicCurl(
  path: string,
  directory: string,
  { origin, listener }: PublicOrigin,
): Promise<string> {
  const real = path
    .split(delimiter)
    .filter((it) => it !== "")
    .map((it) => join(it, "curl"))
    .find(isProgram);
  if (real === undefined) throw new Error("there is no curl on the PATH");
  await mkdir(directory, { recursive: true });
  const { host } = new URL(origin);
  const file = join(directory, "curl");
  // The claim passes through a variable of the shell and a pipe, never through arguments.
  const script = `#!/bin/sh
case " $* " in *" --config - "*) ;; *) exec '${real}' "$@" ;; esac
config=$(cat)
case $config in
  'url = "${origin}/'*)
    {
      printf 'url = "%s' '${listener}/'
      printf '%s\\n' "\${config#'url = "${origin}/'}"
      printf 'header = "Host: %s"\\n' '${host}'
    } | exec '${real}' "$@"
    ;;
  *) printf '%s\\n' "$config" | exec '${real}' "$@" ;;
esac
`;
  await writeFile(file, script);
  await chmod(file, 0o755);
  return `${directory}${delimiter}${path}`;
}
