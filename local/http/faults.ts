import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { MiddlewareHandler } from "hono";

/**
 * What goes wrong with one request:
 * - `answer` another answer instead of the real one; nothing is done
 * - `hang` no answer; the connection stays open until the client or the server ends it
 * - `drop` the connection breaks before anything is done
 * - `lose` the request is acted on, and the connection breaks before the answer
 * - `delay` the real answer, later
 */
export type Fault =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  | { readonly kind: "hang" | "drop" | "lose" }
  | { readonly kind: "delay"; readonly ms: number };

export interface FaultRule {
  /** Any method when left out. */
  readonly method?: string;
  /** Tested on path and query; any path when left out. */
  readonly path?: RegExp;
  readonly fault: Fault;
  /** How many requests it strikes; 1 when left out, Infinity until cleared. */
  readonly times?: number;
}

/** A request as a decision about it sees it. */
export interface StruckRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly body: string;
}

/** Faults waiting for their request, oldest first. */
export class Faults {
  /** Asked about every request that no rule strikes. @default - none is struck */
  decide: (request: StruckRequest) => Fault | null = () => null;
  readonly #rules: { readonly rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#rules.length = 0;
  }

  /** Takes the fault that strikes this request, if any. */
  take(method: string, pathAndQuery: string): Fault | null {
    const found = this.#rules.find(
      ({ rule, left }) =>
        left > 0 &&
        (rule.method ?? method) === method &&
        (rule.path === undefined || rule.path.test(pathAndQuery)),
    );
    if (found === undefined) return null;
    found.left -= 1;
    return found.rule.fault;
  }
}

/** Reads requests, and strikes them with the faults that wait for them; to be used before the routes. */
export function striking(faults: Faults): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (context, next) => {
    // Read to its end whatever comes of it, as servers do: else what is left of it stands before the connection's next
    // request. It is kept for the routes.
    await context.req.arrayBuffer();
    const url = new URL(context.req.url);
    const { method } = context.req;
    const path = url.pathname + url.search;
    const fault =
      faults.take(method, path) ?? faults.decide({ method, path, body: await context.req.text() });
    if (fault === null) return next();
    switch (fault.kind) {
      case "answer":
        return new Response(fault.body ?? null, { status: fault.status, headers: { ...fault.headers } });
      case "hang":
        await new Promise<void>((resolve) => context.env.incoming.once("close", resolve));
        return RESPONSE_ALREADY_SENT;
      case "drop":
        return breakConnection(context.env);
      case "lose":
        await next();
        // Assigning over an answer merges their headers, so the old one goes first.
        context.res = undefined;
        context.res = breakConnection(context.env);
        return undefined;
      case "delay":
        await new Promise((resolve) => setTimeout(resolve, fault.ms).unref());
        return next();
    }
  };
}

function breakConnection(bindings: HttpBindings): Response {
  bindings.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}
