import { request } from "node:http";
import type { LiveStack } from "./live-stack";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const TIMEOUT_MS = 15_000;

/** Asks a hostname of the zone, as anybody on the internet may. */
export function throughFrontDoor(
  { systems: { cloudflare } }: LiveStack,
  hostname: string,
  path: string,
  { method = "GET", headers = {}, body }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // fetch() would not let the Host header be set, and the edge routes by it.
    const options = { method, headers: { ...headers, Host: hostname }, timeout: TIMEOUT_MS };
    const outgoing = request(new URL(path, cloudflare.edgeUrl), options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.once("error", reject);
      answer.once("end", () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
    });
    outgoing.once("timeout", () => outgoing.destroy(new Error(`${hostname}${path} did not answer`)));
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}
