import { PAUSES_PATH, type Paused } from "../../contracts/pauses";
import { recordOf } from "../support/json-record";
import type { Connection } from "./connection";

/** The Worker itself waits 8 s for its ledger. */
const CALL_MS = 15_000;

const METHODS = { pause: "PUT", resume: "DELETE" } as const;

/** Speaks to a Worker as its operator. */
export class OperatorClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @param repo `owner/name`; null is everything @throws Error when it was not done */
  async change(what: keyof typeof METHODS, repo: string | null): Promise<void> {
    const path = repo === null ? PAUSES_PATH : `${PAUSES_PATH}/${repo}`;
    const answer = await this.#call(METHODS[what], path);
    if (answer.status !== 204) throw this.#unexpected(answer);
  }

  async paused(): Promise<readonly Paused[]> {
    const answer = await this.#call("GET", PAUSES_PATH);
    const paused = answer.status === 200 ? answer.body["paused"] : undefined;
    if (!Array.isArray(paused)) throw this.#unexpected(answer);
    return paused as readonly Paused[];
  }

  async #call(method: string, path: string): Promise<Answer> {
    const { origin, token } = this.#connection;
    const signal = AbortSignal.timeout(CALL_MS);
    let response: Response;
    try {
      const headers = { Authorization: `Bearer ${token}` };
      response = await fetch(`${origin}${path}`, { method, headers, redirect: "manual", signal });
    } catch (error) {
      throw new Error(`the Worker at ${origin} cannot be reached (${reason(error)}); is its address right?`);
    }
    const text = await response.text();
    return { status: response.status, body: recordOf(text) ?? {} };
  }

  #unexpected({ status, body }: Answer): Error {
    const { origin } = this.#connection;
    const said = typeof body["error"] === "string" ? body["error"].slice(0, 200) : null;
    if (status === 401)
      return new Error(
        `the Worker at ${origin} does not take this STATUS_TOKEN: is it this stack's, and not rotated since?`,
      );
    if (said === null)
      return new Error(
        `${origin} answered ${String(status)}, and not as the Worker does: is its address right, and does nothing stand before it?`,
      );
    if (status === 404 && said === "no such path")
      return new Error(`the Worker at ${origin} knows no pauses: deploy the present version`);
    if (status === 503) return new Error(`the Worker at ${origin} cannot now: ${said}; try again`);
    return new Error(`the Worker at ${origin} answered ${String(status)}: ${said}`);
  }
}

interface Answer {
  readonly status: number;
  /** Empty when it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** fetch hides what failed one level down. */
function reason(error: unknown): string {
  const failed = propertyOf(error, "cause") ?? error;
  return String(propertyOf(failed, "code") ?? propertyOf(failed, "message") ?? failed);
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
