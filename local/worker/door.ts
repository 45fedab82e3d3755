import { randomUUID } from "node:crypto";
import type { Miniflare } from "miniflare";
import { type Database, databaseOver, type Result } from "./database";

export interface DoorOptions {
  /** D1 databases: the binding's name to the database's id, as the Worker has them. */
  readonly databases: Readonly<Record<string, string>>;
  /** Name of the Worker among miniflare's, whose cron is run. @default there is none */
  readonly scheduled?: string;
  readonly compatibilityDate: string;
}

/**
 * A second Worker beside the one that is served, by which this process reaches its databases and its cron.
 *
 * Miniflare's own stubs ask workerd for each property in a call that blocks, and the wait can end before the answer is
 * there: its `Atomics.wait` stands outside a loop, so the late notify of the answer before wakes it. Under load one call
 * in some hundred thousand breaks that way, and every one after it.
 */
export class Door {
  /** Miniflare's options of the Worker; it stands after the one that is served. */
  readonly worker: {
    readonly name: string;
    readonly modules: true;
    readonly script: string;
    readonly compatibilityDate: string;
    readonly compatibilityFlags: string[];
    readonly d1Databases: Record<string, string>;
    readonly serviceBindings: Record<string, string>;
    readonly routes: string[];
  };
  /** Nobody who reaches the Worker's port can guess the name under which the door answers. */
  readonly #host = `${randomUUID()}.invalid`;

  constructor({ databases, scheduled, compatibilityDate }: DoorOptions) {
    this.worker = {
      name: "door",
      modules: true,
      script: SCRIPT,
      compatibilityDate,
      // Lets a service binding run a cron.
      compatibilityFlags: ["service_binding_extra_handlers"],
      d1Databases: { ...databases },
      serviceBindings: scheduled === undefined ? {} : { SCHEDULED: scheduled },
      routes: [`${this.#host}/*`],
    };
  }

  database(miniflare: Pick<Miniflare, "dispatchFetch">, binding: string): Database {
    return databaseOver((queries) => this.#ask<readonly Result[]>(miniflare, { binding, queries }));
  }

  /** Runs the cron once, to its end. Gives its outcome: `ok`, or what went wrong. */
  schedule(miniflare: Pick<Miniflare, "dispatchFetch">, cron: string): Promise<string> {
    return this.#ask<string>(miniflare, { cron });
  }

  async #ask<T>(miniflare: Pick<Miniflare, "dispatchFetch">, question: unknown): Promise<T> {
    const body = JSON.stringify(question);
    const response = await miniflare.dispatchFetch(`http://${this.#host}/`, { method: "POST", body });
    const answer = (await response.json()) as { value: T } | { error: string };
    if ("error" in answer) throw new Error(answer.error);
    return answer.value;
  }
}

const SCRIPT = `async function answer({ cron, binding, queries }, env) {
  if (cron !== undefined) return (await env.SCHEDULED.scheduled({ cron, scheduledTime: new Date() })).outcome;
  const database = env[binding];
  return database.batch(queries.map(({ sql, values }) => database.prepare(sql).bind(...values)));
}
export default {
  async fetch(request, env) {
    try {
      return Response.json({ value: await answer(await request.json(), env) });
    } catch (error) {
      return Response.json({ error: String(error?.message ?? error) });
    }
  },
};`;
