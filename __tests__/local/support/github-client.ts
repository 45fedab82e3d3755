import { generateKeyPairSync, sign } from "node:crypto";
import type { GithubStandIn } from "../../../local/github/github";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown> & { readonly [index: number]: unknown };
}

/** Calls the GitHub stand-in as a well-behaved client does. */
export async function ask(
  github: Pick<GithubStandIn, "url">,
  token: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const init: RequestInit = {
    method,
    headers: { "User-Agent": "test", Authorization: `Bearer ${token}`, ...headers },
    signal: AbortSignal.timeout(10_000),
  };
  if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(github.url + path, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, json: parse(text) };
}

function parse(text: string): Answer["json"] {
  try {
    return JSON.parse(text === "" ? "{}" : text) as Answer["json"];
  } catch {
    return { text };
  }
}

/** An App's key pair. */
export const APP_KEYS = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});

/** A JWT of an App; times in Unix seconds. */
export function appJwt(claims: { iss: string; iat: number; exp: number }, algorithm = "RS256"): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: algorithm, typ: "JWT" })}.${part(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), APP_KEYS.privateKey).toString("base64url")}`;
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

export const REPOSITORY = "octo-org/example";
export const JIT_PATH = `/repos/${REPOSITORY}/actions/runners/generate-jitconfig`;

/** A body of generate-jitconfig. */
export function registration(name: string, labels: readonly string[] = ["self-hosted", "linux"]): object {
  return { name, runner_group_id: 1, labels };
}

/** The credential in a JIT config: what a listener calls with. */
export function listenerToken(jitConfig: unknown): string {
  const decode = (text: string): unknown => JSON.parse(Buffer.from(text, "base64").toString("utf8"));
  const files = decode(String(jitConfig)) as Record<string, string>;
  const credentials = decode(files[".credentials"] ?? "") as { Data: { Token: string } };
  return credentials.Data.Token;
}
