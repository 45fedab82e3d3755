import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

/** What was asked of a real Nomad, and what it answered. */
export interface Recording {
  /** "not parameterized", "parameterized, then stopped", "service", or a parameterized job's rules. */
  readonly jobs: Readonly<Record<string, RecordedJob | string>>;
  readonly tokens: Readonly<Record<string, string>>;
  readonly exchanges: readonly Exchange[];
}

export interface RecordedJob {
  readonly payload: "optional" | "required" | "forbidden";
  readonly metaRequired: readonly string[];
  readonly metaOptional: readonly string[];
  /** "sleep": a task that runs until it is stopped, and one after it. "no room": no node takes it. @default a task that ends */
  readonly runs?: "sleep" | "no room";
}

export interface Exchange {
  readonly name: string;
  readonly request: {
    readonly method: string;
    /** `{child 1}` stands for the id of the first child that the recording made, and so on. */
    readonly path: string;
    /** Name of a token of the recording, `unknown`, or `none`. */
    readonly token: string;
    readonly body?: Readonly<Record<string, unknown>>;
    readonly rawBody?: string;
  };
  /** What the answer's objects are reduced to, where they say more than anybody here reads. */
  readonly kept?: readonly string[];
  /** Whether it was asked until the answer was this one, because it comes in time. */
  readonly awaited?: boolean;
  readonly response: { readonly status: number; readonly contentType: string; readonly body: unknown };
}

/** How long an awaited answer may take. */
const AWAITED_MS = 15_000;
const AGAIN_MS = 50;

/** @param name "nomad-dispatch": what the Worker does; "nomad-drain": what ends it */
export function readRecording(name: "nomad-dispatch" | "nomad-drain"): Recording {
  return JSON.parse(readFileSync(join(__dirname, `../../fixtures/${name}.json`), "utf8")) as Recording;
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
  for (const exchange of recording.exchanges) {
    const recorded = masks.recorded.answer(exchange.response);
    const end = Date.now() + (exchange.awaited === true ? AWAITED_MS : 0);
    let given = masks.given.answer(await ask(exchange, url, secrets, masks.given.children));
    while (!isDeepStrictEqual(given, recorded) && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      given = masks.given.answer(await ask(exchange, url, secrets, masks.given.children));
    }
    played.push({ name: exchange.name, recorded, given });
  }
  return played;
}

async function ask(
  { request, kept }: Exchange,
  url: string,
  secrets: Readonly<Record<string, string>>,
  children: readonly string[],
): Promise<Answer> {
  const headers: Record<string, string> = {};
  const secret =
    request.token === "unknown" ? "11111111-2222-3333-4444-555555555555" : secrets[request.token];
  if (secret !== undefined) headers["Authorization"] = `Bearer ${secret}`;
  const init: RequestInit = { method: request.method, headers, signal: AbortSignal.timeout(10_000) };
  const body = bodyOf(request);
  if (body !== null) init.body = body;
  const path = request.path.replace(/\{child (\d+)\}/g, (_whole, number: string) =>
    encodeURIComponent(children[Number(number) - 1] ?? "no-such-child"),
  );
  const answer = await fetch(url + path, init);
  const text = await answer.text();
  const contentType = answer.headers.get("content-type");
  const isJson = contentType === "application/json";
  return {
    status: answer.status,
    contentType,
    body: isJson ? keep(JSON.parse(text) as unknown, kept) : text,
  };
}

/** Objects with the named fields alone; the task states of an allocation are reduced likewise. */
function keep(value: unknown, kept: readonly string[] | undefined): unknown {
  if (kept === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => keep(item, kept));
  const all = value as Readonly<Record<string, unknown>>;
  const fields = kept.filter((key) => key in all).map((key) => [key, all[key]] as const);
  return Object.fromEntries(
    fields.map(([key, field]) => {
      if (key !== "TaskStates") return [key, field];
      const states = Object.entries((field ?? {}) as Record<string, unknown>);
      return [
        key,
        Object.fromEntries(states.map(([name, state]) => [name, keep(state, ["State", "Failed"])])),
      ];
    }),
  );
}

function bodyOf(request: Exchange["request"]): string | null {
  if (request.rawBody !== undefined) return request.rawBody;
  if (request.body === undefined) return null;
  return JSON.stringify(request.body).replace(/<base64 of (\d+) bytes>/, (_whole, bytes: string) =>
    Buffer.alloc(Number(bytes), "x").toString("base64"),
  );
}

const CHILD = /^(.+\/dispatch-(?:.+-)?)\d{10}-[0-9a-f]{8}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Replaces what a run makes up: times, random parts and indexes. Children are numbered, so that "the same child" and
 *  "another child" stay comparable; an index is told only as zero or not. */
class Mask {
  /** Every child there was, in the order of the answers that told of them. */
  readonly children: string[] = [];

  answer({ status, contentType, body }: Answer): Answer {
    return { status, contentType, body: typeof body === "string" ? body : this.#value(body) };
  }

  #value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    if (typeof value === "number") return value === 0 ? 0 : "an index";
    if (typeof value === "string") return this.#text(value);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, this.#value(field)]));
  }

  #text(text: string): string {
    if (UUID.test(text)) return "an id";
    const parts = CHILD.exec(text);
    if (parts === null) return text;
    if (!this.children.includes(text)) this.children.push(text);
    return `${parts[1] ?? ""}<unix>-<hex> #${String(this.children.indexOf(text) + 1)}`;
  }
}
