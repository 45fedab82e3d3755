import { type ChildProcess, fork } from "node:child_process";

/** Another process of ours that answers questions. */
export interface Child<Q, A> {
  /** @throws Error with what went wrong there, or when it has ended */
  ask(question: Q): Promise<A>;
  close(): Promise<void>;
}

type Told =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

/** Starts a program of this repository, by tsx as this one. */
export function startChild<Q, A>(file: string): Child<Q, A> {
  const child = fork(file, {
    execArgv: ["--require", require.resolve("tsx/cjs")],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map<number, { resolve(value: A): void; reject(error: Error): void }>();
  let last = 0;
  child.on("message", (told: Told) => {
    const one = waiting.get(told.id);
    waiting.delete(told.id);
    if ("error" in told) one?.reject(new Error(told.error));
    else one?.resolve(told.value as A);
  });
  child.on("exit", () => {
    for (const one of waiting.values()) one.reject(new Error(`${file} ended before it answered.`));
    waiting.clear();
  });
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        child.send({ id: last, question }, (error) => {
          if (error !== null) reject(error);
        });
      }),
    close: () => ended(child),
  };
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => {
      resolve();
    });
    // It answers nobody then, and has nothing else to do.
    if (child.connected) child.disconnect();
  });
}

/**
 * Answers the questions of the process that started this one as they come, until that lets go.
 * @param answer takes what is asked; it is not checked
 */
export function answering(answer: (question: never) => unknown): void {
  process.on("message", ({ id, question }: { readonly id: number; readonly question: unknown }) => {
    const answered = new Promise((resolve) => {
      resolve(answer(question as never));
    });
    answered.then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: String(error instanceof Error ? error.stack : error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}
