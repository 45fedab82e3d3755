import type { MiddlewareHandler } from "hono";
import type { EventLog } from "../event-log";
import type { CloudflareEvent } from "./types";

/** Which request a gate holds: the next one that matches. */
export interface GateRule {
  /** @default any */
  readonly method?: string;
  /** Tested on the path. @default any */
  readonly path?: RegExp;
}

/** A request held before anything was done with it. */
export interface Gate {
  /** Resolves when the request has come. */
  readonly reached: Promise<void>;
  /** Lets it go on, or by when it comes later; safe to call twice. */
  open(): void;
}

interface Held extends Gate {
  readonly rule: GateRule;
  readonly opened: Promise<void>;
  readonly arrive: () => void;
}

/** Gates waiting for their request: so that a test can have two deploys at once. */
export class Gates {
  readonly #waiting: Held[] = [];
  readonly #all = new Set<Held>();

  add(rule: GateRule): Gate {
    const [reached, arrive] = signal();
    const [opened, open] = signal();
    const held: Held = { rule, reached, arrive, opened, open };
    this.#waiting.push(held);
    this.#all.add(held);
    return { reached, open };
  }

  /** Takes the gate that this request meets, if any. */
  take(method: string, path: string): Held | null {
    const index = this.#waiting.findIndex(
      ({ rule }) => (rule.method ?? method) === method && (rule.path === undefined || rule.path.test(path)),
    );
    return index < 0 ? null : (this.#waiting.splice(index, 1)[0] ?? null);
  }

  openAll(): void {
    this.#waiting.length = 0;
    for (const held of this.#all) held.open();
  }
}

/** Holds requests at their gates; to be used before the routes. */
export function holding(gates: Gates, events: EventLog<CloudflareEvent>): MiddlewareHandler {
  return async (context, next) => {
    const { method, path } = context.req;
    const held = gates.take(method, path);
    if (held !== null) {
      events.emit({ type: "held", method, path });
      held.arrive();
      await held.opened;
    }
    await next();
  };
}

function signal(): [Promise<void>, () => void] {
  let give = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return [promise, give];
}
