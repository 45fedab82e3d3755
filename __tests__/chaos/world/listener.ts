import { type Connection, type JobMessage, call } from "../../../local/runner/protocol";
import { hasCome, pause } from "./pause";

/** What a runner's listener came to. */
export type Listened = "worked" | "removed" | "idle" | "refused" | "gone";

/** Where a listener stands, for whoever wants it to end there. May throw. */
export type Milestone = "connected" | "assigned" | "working";

/** Reads the JIT config as the listener does. @throws Error when it is none */
export function connectionOf(jitConfig: string): Connection & { readonly name: string } {
  const decode = (text: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(text, "base64").toString("utf8")) as Record<string, unknown>;
  const files = decode(jitConfig) as Record<string, string>;
  const runner = decode(files[".runner"] ?? "");
  const data = decode(files[".credentials"] ?? "")["Data"] as Record<string, unknown>;
  return {
    name: String(runner["AgentName"]),
    serverUrl: String(runner["ServerUrl"]),
    token: String(data["Token"]),
  };
}

/** Attempts at a session before a listener gives up. */
const ATTEMPTS = 5;

/**
 * `Runner.Listener` in this process: takes a session, waits for one job, works on it, reports it and leaves. It speaks
 * what local/runner/listener.ts speaks.
 * @param gone aborted when the process ends; nothing is told to GitHub then
 * @param idle aborted when it has waited for long enough
 * @throws what `at` throws
 */
export async function listen(
  connection: Connection,
  { gone, idle }: { readonly gone: AbortSignal; readonly idle: AbortSignal },
  at: (milestone: Milestone) => Promise<void>,
): Promise<Listened> {
  const session = await connect(connection, gone);
  if (session === null) return hasCome(gone) ? "gone" : "removed";
  await at("connected");
  const job = await nextJob(connection, session, AbortSignal.any([gone, idle]), at);
  if (hasCome(gone)) return "gone";
  const end = async (): Promise<void> => {
    await call(connection, "DELETE", `/sessions/${session}`, undefined, gone).catch(() => null);
  };
  if (job === null) {
    await end();
    return hasCome(idle) ? "idle" : "removed";
  }
  const result = await work(connection, session, job, gone, at);
  if (!hasCome(gone)) await end();
  return hasCome(gone) ? "gone" : result;
}

async function connect(connection: Connection, gone: AbortSignal): Promise<string | null> {
  for (let turn = 0; turn < ATTEMPTS && !hasCome(gone); turn += 1) {
    const answer = await call(connection, "POST", "/sessions", undefined, gone).catch(() => null);
    if (answer?.status === 201) return (answer.json as { readonly sessionId: string }).sessionId;
    if (answer?.status === 404) return null;
    await pause(50, gone);
  }
  return null;
}

async function nextJob(
  connection: Connection,
  session: string,
  over: AbortSignal,
  at: (milestone: Milestone) => Promise<void>,
): Promise<JobMessage | null> {
  while (!over.aborted) {
    const answer = await call(connection, "GET", `/sessions/${session}/message`, undefined, over).catch(
      () => null,
    );
    if (answer?.status === 404) return null;
    const message = answer?.json as { readonly type: string; readonly jobId: number } | null | undefined;
    if (answer === null) await pause(50, over);
    if (message?.type !== "job") continue;
    await at("assigned");
    const path = `/jobs/${String(message.jobId)}/acquire`;
    const acquired = await call(connection, "POST", path, undefined, over).catch(() => null);
    if (acquired?.status === 200) return acquired.json as JobMessage;
  }
  return null;
}

async function work(
  connection: Connection,
  session: string,
  job: JobMessage,
  gone: AbortSignal,
  at: (milestone: Milestone) => Promise<void>,
): Promise<Listened> {
  const cancelled = new AbortController();
  const refused = isForeign(job);
  const watching = watchForCancel(connection, session, AbortSignal.any([gone, cancelled.signal]), cancelled);
  try {
    await at("working");
    if (!refused) await pause(job.runMs, AbortSignal.any([gone, cancelled.signal]));
    if (hasCome(gone)) return "gone";
    const conclusion = cancelled.signal.aborted ? "cancelled" : refused ? "failure" : "success";
    await call(connection, "POST", `/jobs/${String(job.id)}/finish`, { conclusion }, gone).catch(() => null);
    return refused ? "refused" : "worked";
  } finally {
    cancelled.abort();
    await watching;
  }
}

async function watchForCancel(
  connection: Connection,
  session: string,
  over: AbortSignal,
  cancelled: AbortController,
): Promise<void> {
  while (!over.aborted) {
    const path = `/sessions/${session}/message`;
    const answer = await call(connection, "GET", path, undefined, over).catch(() => null);
    if ((answer?.json as { readonly type: string } | null | undefined)?.type === "cancel") cancelled.abort();
    if (answer === null || answer.status === 404) return;
  }
}

/** What the job-started hook asks: does a public repository run another one's code? */
function isForeign({ event }: JobMessage): boolean {
  const { repository, pull_request: pull } = event as {
    readonly repository: { readonly private: boolean; readonly full_name: string };
    readonly pull_request?: { readonly head: { readonly repo: { readonly full_name: string } | null } };
  };
  return !repository.private && pull !== undefined && pull.head.repo?.full_name !== repository.full_name;
}
