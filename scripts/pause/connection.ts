import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { recordOf } from "../support/json-record";

/** Which Worker, and what shows that one may. */
export interface Connection {
  /** Its origin. */
  readonly origin: string;
  /** `STATUS_TOKEN`. */
  readonly token: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reading a state over a slow line. */
const OUTPUT_MS = 60_000;

/**
 * Reads the environment, and what it does not hold from a stack's outputs.
 * @param stacks directory with one directory per synthesized stack
 * @param stack name of one of them, where there are several
 * @throws Error saying what is missing or wrong; never with the token
 */
export function readConnection(
  environment: Environment,
  stacks: string,
  stack: string | undefined,
): Connection {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const url = value("RUNNERS_URL");
  const token = value("STATUS_TOKEN");
  if (url !== undefined && token !== undefined) return { origin: originOf("RUNNERS_URL", url), token };
  const missing = [url === undefined ? "RUNNERS_URL" : "", token === undefined ? "STATUS_TOKEN" : ""]
    .filter((name) => name !== "")
    .join(" and ");
  const outputs = readOutputs(environment, join(stacks, stackOf(stacks, stack, missing)), missing);
  return {
    origin:
      url === undefined
        ? originOf("the output status_url", outputs("status_url"))
        : originOf("RUNNERS_URL", url),
    token: token ?? outputs("status_token"),
  };
}

function stackOf(stacks: string, wanted: string | undefined, missing: string): string {
  const found = existsSync(stacks) ? readdirSync(stacks) : [];
  const name = wanted ?? (found.length === 1 ? found[0] : undefined);
  if (name !== undefined && found.includes(name)) return name;
  const which =
    found.length === 0
      ? `there is no stack in ${stacks} to read that from: run \`npx cdktf synth\` first`
      : `${stacks} holds ${found.join(", ")}: say which by --stack`;
  throw new Error(`${missing} must be set: ${which}`);
}

/** Asks Terraform, which knows where the state lies. */
function readOutputs(environment: Environment, directory: string, missing: string): (name: string) => string {
  const program = environment["TERRAFORM_BINARY_NAME"] ?? "terraform";
  const words = [`-chdir=${directory}`, "output", "-json"];
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: "utf8",
    timeout: OUTPUT_MS,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...environment },
  });
  const outputs = status === 0 ? recordOf(stdout) : null;
  if (outputs === null) {
    const why = error === undefined ? stderr.trim() || `it ended with ${String(status)}` : error.message;
    throw new Error(
      `${missing} must be set, and could not be read by \`${[program, ...words].join(" ")}\`: ${why}`,
    );
  }
  return (name) => {
    const value = (outputs[name] as { readonly value?: unknown } | undefined)?.value;
    if (typeof value === "string" && value !== "") return value;
    throw new Error(
      `${missing} must be set: the stack in ${directory} has no output ${name}; is it deployed, and are these its files?`,
    );
  };
}

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** The token goes there: in clear to this machine only. */
function originOf(from: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && url.username === "" && url.password === "") {
    if (url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.includes(url.hostname)))
      return url.origin;
  }
  // What stands before an `@` may be a password.
  const shown = JSON.stringify(text.replace(/^.*@/s, "…@").slice(0, 200));
  throw new Error(
    `${from} must be the Worker's address, https://HOST (http to this machine alone), without a login, got ${shown}`,
  );
}
