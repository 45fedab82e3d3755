import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What was asked of a real Nomad, and what it answered. */
export interface Recording {
  readonly jobs: Readonly<Record<string, RecordedJob | string>>;
  readonly tokens: Readonly<Record<string, string>>;
  readonly exchanges: readonly Exchange[];
}

export interface RecordedJob {
  readonly payload: "optional" | "required" | "forbidden";
  readonly metaRequired: readonly string[];
  readonly metaOptional: readonly string[];
}

export interface Exchange {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    /** Name of a token of the recording, `unknown`, or `none`. */
    readonly token: string;
    readonly body?: Readonly<Record<string, unknown>>;
    readonly rawBody?: string;
  };
  readonly response: { readonly status: number; readonly contentType: string; readonly body: unknown };
}

export function readRecording(): Recording {
  return JSON.parse(readFileSync(join(__dirname, "../../fixtures/nomad-dispatch.json"), "utf8")) as Recording;
}

/** An answer with what differs from run to run made comparable. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: unknown;
}

/**
 * Plays the recorded requests, in order, against a Nomad.
 * @param secrets the tokens of the recording at that Nomad
 * @returns for each exchange the recorded and the given answer, both masked the same way
 */
export async function playRecording(
  recording: Recording,
  url: string,
  secrets: Readonly<Record<string, string>>,
): Promise<readonly { readonly name: string; readonly recorded: Answer; readonly given: Answer }[]> {
  const masks = { recorded: new Mask(), given: new Mask() };
  const played = [];
  for (const { name, request, response } of recording.exchanges) {
    const headers: Record<string, string> = {};
    const secret =
      request.token === "unknown" ? "11111111-2222-3333-4444-555555555555" : secrets[request.token];
    if (secret !== undefined) headers["Authorization"] = `Bearer ${secret}`;
    const init: RequestInit = { method: request.method, headers, signal: AbortSignal.timeout(10_000) };
    const body = bodyOf(request);
    if (body !== null) init.body = body;
    const answer = await fetch(url + request.path, init);
    const text = await answer.text();
    const contentType = answer.headers.get("content-type");
    const isJson = contentType === "application/json";
    const given = { status: answer.status, contentType, body: isJson ? (JSON.parse(text) as unknown) : text };
    played.push({ name, recorded: masks.recorded.answer(response), given: masks.given.answer(given) });
  }
  return played;
}

function bodyOf(request: Exchange["request"]): string | null {
  if (request.rawBody !== undefined) return request.rawBody;
  if (request.body === undefined) return null;
  return JSON.stringify(request.body).replace(/<base64 of (\d+) bytes>/, (_whole, bytes: string) =>
    Buffer.alloc(Number(bytes), "x").toString("base64"),
  );
}

/** Replaces what a run makes up: times, random parts and indexes. Children are numbered, so that "the same child" and
 *  "another child" stay comparable; an index is told only as zero or not. */
class Mask {
  readonly #children: string[] = [];

  answer({ status, contentType, body }: Answer): Answer {
    if (typeof body !== "object" || body === null) return { status, contentType, body };
    const masked = Object.entries(body as Record<string, unknown>).map(([key, value]) => [
      key,
      this.#field(key, value),
    ]);
    return { status, contentType, body: Object.fromEntries(masked) as unknown };
  }

  #field(key: string, value: unknown): unknown {
    if (typeof value === "number") return value === 0 ? 0 : "an index";
    if (key === "EvalID" && value !== "") return /^[0-9a-f-]{36}$/.test(String(value)) ? "an id" : value;
    if (key !== "DispatchedJobID") return value;
    const child = String(value);
    if (!this.#children.includes(child)) this.#children.push(child);
    const shape = child.replace(/\d{10}-[0-9a-f]{8}$/, "<unix>-<hex>");
    return `${shape} #${String(this.#children.indexOf(child))}`;
  }
}
