import { request } from "node:http";

/** Exit codes of the real listener.
 *  @see https://github.com/actions/runner/blob/v2.336.0/src/Runner.Common/Constants.cs (ReturnCode) */
export const EXIT = {
  success: 0,
  terminatedError: 1,
  retryableError: 2,
  sessionConflict: 5,
  versionDeprecated: 7,
} as const;

/** With `ACTIONS_RUNNER_RETURN_JOB_RESULT_FOR_HOSTED` the listener ends with 100 and one of these. */
export const TASK_RESULT = { success: 0, failure: 2, cancelled: 3 } as const;

export type Conclusion = keyof typeof TASK_RESULT;

/** Where the stand-in is, and the runner's credential there. */
export interface Connection {
  readonly serverUrl: string;
  readonly token: string;
}

/** A workflow job as a listener gets it. */
export interface JobMessage {
  readonly id: number;
  readonly runId: number;
  readonly name: string;
  readonly repository: string;
  readonly eventName: string;
  readonly ref: string;
  /** What goes to `$GITHUB_EVENT_PATH`. */
  readonly event: unknown;
  /** Milliseconds the job takes when it has no script. */
  readonly runMs: number;
  /** Its one step, for sh; null to pass the time only. */
  readonly script: string | null;
}

/** What the listener tells the worker process. */
export type ToWorker =
  | {
      readonly type: "job";
      readonly job: JobMessage;
      readonly connection: Connection;
      readonly runnerName: string;
    }
  /** The job was cancelled at GitHub. */
  | { readonly type: "cancel" }
  /** The listener was told to end: no further step runs, whatever its condition. */
  | { readonly type: "shutdown" };

/** What the worker process tells the listener before it ends: how the job ended and that the server knows. */
export interface FromWorker {
  readonly type: "done";
  readonly conclusion: Conclusion;
}

export interface Answer {
  readonly status: number;
  readonly json: unknown;
}

/**
 * Calls the stand-in. Node's own `fetch` is not used: loading it takes longer than everything else a listener does.
 * @throws Error when there is no answer
 */
export function call(
  connection: Connection,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? null : JSON.stringify(body);
    const headers: Record<string, string | number> = {
      Authorization: `Bearer ${connection.token}`,
      "User-Agent": "runner-stand-in",
      ...(text === null
        ? {}
        : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) }),
    };
    const options = { method, headers, ...(signal === undefined ? {} : { signal }) };
    const sent = request(`${connection.serverUrl}/_listener${path}`, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const received = Buffer.concat(chunks).toString("utf8");
        const json = received === "" ? null : (JSON.parse(received) as unknown);
        resolve({ status: answer.statusCode ?? 0, json });
      });
    });
    sent.on("error", reject);
    sent.end(text ?? undefined);
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
