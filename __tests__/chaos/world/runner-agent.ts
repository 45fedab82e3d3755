import { randomUUID } from "node:crypto";
import { EXIT_HEADER, HOLDER_HEADER } from "../../../contracts/claim";
import type { DispatchPayload } from "../../../contracts/dispatch";
import type { Allocation, Child, Run } from "../../../local/nomad/types";
import type { Ending, RunnerFate, Step } from "../plan/fates";
import { type Listened, connectionOf, listen } from "./listener";
import { hasCome, pause } from "./pause";
import type { VirtualTime } from "./virtual-time";

/** What an agent needs of the world around it. */
export interface AgentWorld {
  readonly time: VirtualTime;
  /** `job key:ordinal` of a child. */
  readonly nameOf: (child: Child) => string;
  readonly idleTimeoutMs: (child: Child) => number;
  /** What is told of it, without secrets. */
  readonly note: (runner: string, text: string) => void;
  /** Every text that it was answered, the JIT config taken out, and every secret that it holds. */
  readonly heard: (source: string, text: string) => void;
  readonly count: (what: string) => void;
  readonly secret: (name: string, text: string) => void;
  /** How the claim of one was answered that slept until everything else was over. */
  readonly late: (runner: string, status: number) => void;
  /** Makes the claim end at another time. */
  readonly skewed: (claim: string, seconds: number) => string;
  /** Nomad loses the node: nothing of this allocation runs any more unless `keep`, and another takes its place. */
  readonly replace: (child: Child, keep: boolean) => Promise<void>;
  /** Ends when those that sleep may begin. */
  readonly awake: (runner: string, signal: AbortSignal) => Promise<void>;
  /** Whether anything still breaks. */
  readonly breaks: () => boolean;
}

/** What jobs/claim.sh asks again after. */
const AGAIN = /^(?:000|429|500|503|504|52\d|530)$/;
const CLAIM_TIMEOUT_MS = 600_000;
const RELEASE_TIMEOUT_MS = 120_000;
const ATTEMPT_MS = 45_000;
const EXITS: Readonly<Record<Listened, number>> = {
  worked: 0,
  removed: 22,
  idle: 20,
  refused: 23,
  gone: 137,
};

class Death extends Error {
  override readonly name = "Death";
}

/**
 * A runner's allocation in this process: what jobs/start-runner.sh, claim.sh, release-runner.sh and the listener say to the
 * Worker and to GitHub, with the same answers to the same trouble. Its waits are in the ledger's time.
 */
export class RunnerAgent implements Run {
  readonly allocation: Allocation = { id: randomUUID(), status: "running", tasks: [] };
  readonly ended: Promise<void>;
  readonly #child: Child;
  readonly #world: AgentWorld;
  readonly #fate: RunnerFate;
  readonly #name: string;
  readonly #payload: DispatchPayload;
  /** The main task's end, and the node's. */
  readonly #killed = new AbortController();
  readonly #lost = new AbortController();

  constructor(child: Child, world: AgentWorld, fate: RunnerFate) {
    this.#child = child;
    this.#world = world;
    this.#fate = fate;
    this.#name = world.nameOf(child);
    this.#payload = JSON.parse(child.payload.toString("utf8")) as DispatchPayload;
    this.ended = this.#run();
  }

  stop(): void {
    this.#killed.abort();
  }

  kill(): void {
    this.#killed.abort();
  }

  lose(): void {
    this.allocation.status = "lost";
    this.#lost.abort();
    this.#killed.abort();
  }

  async #run(): Promise<void> {
    let code = 137;
    try {
      await pause(this.#fate.startMs, this.#killed.signal);
      if (this.#fate.late) await this.#world.awake(this.#name, this.#killed.signal);
      code = await this.#main();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      this.#killed.abort();
    }
    if (hasCome(this.#lost.signal)) return;
    this.#note(`its main task ends with ${String(code)}`);
    await this.#release(code);
    if (!hasCome(this.#lost.signal)) this.allocation.status = code === 137 ? "failed" : "complete";
  }

  async #main(): Promise<number> {
    await this.#at("before the claim");
    const answer = await this.#show("POST", CLAIM_TIMEOUT_MS, this.#fate.deafFor, this.#killed.signal);
    if (answer === null) return hasCome(this.#killed.signal) ? 137 : 14;
    if (this.#fate.late) this.#world.late(this.#name, answer.status);
    if (answer.status !== 201) return { 409: 0, 410: 0, 401: 12, 502: 13 }[answer.status] ?? 15;
    const granted = JSON.parse(answer.text) as {
      readonly runner_name: string;
      readonly encoded_jit_config: string;
    };
    this.#note(`it has a JIT config as ${granted.runner_name}`);
    await this.#at("after the claim");
    const connection = connectionOf(granted.encoded_jit_config);
    this.#world.secret(`the credential of runner ${granted.runner_name}`, connection.token);
    const idle = new AbortController();
    const over = new AbortController();
    void this.#world.time.sleep(this.#world.idleTimeoutMs(this.#child), over.signal).then(() => {
      if (!hasCome(over.signal)) idle.abort();
    });
    const signals = { gone: this.#killed.signal, idle: idle.signal };
    try {
      const listened = await listen(connection, signals, (milestone) => {
        if (milestone !== "connected") over.abort();
        const step = {
          connected: "idle",
          assigned: "with a job assigned",
          working: "in the middle of a job",
        } as const;
        return this.#at(step[milestone]);
      });
      if (listened === "worked") await this.#at("before the release");
      return EXITS[listened];
    } finally {
      over.abort();
    }
  }

  /** Ends here when that is its fate. @throws Death */
  async #at(step: Step): Promise<void> {
    this.#note(step);
    const { end } = this.#fate;
    if (end?.step !== step || !this.#world.breaks() || hasCome(this.#killed.signal)) return;
    await this.#die(end.how);
  }

  async #die(how: Ending): Promise<void> {
    this.#note(`it meets its end: ${how}`);
    this.#world.count(`runners: ${how} ${this.#fate.end?.step ?? ""}`);
    if (how === "node") this.lose();
    if (how === "replaced" || how === "twin") await this.#world.replace(this.#child, how === "twin");
    if (how !== "twin") throw new Death(how);
  }

  async #release(code: number): Promise<void> {
    const answer = await this.#show("DELETE", RELEASE_TIMEOUT_MS, 0, this.#lost.signal, code);
    this.#note(
      answer === null ? "its claim was not given back" : `DELETE of its claim: ${String(answer.status)}`,
    );
  }

  /** Shows the claim until an answer is final or time is over. @returns null then */
  async #show(
    method: "POST" | "DELETE",
    timeoutMs: number,
    deafFor: number,
    over: AbortSignal,
    code?: number,
  ): Promise<{ readonly status: number; readonly text: string } | null> {
    const { time } = this.#world;
    const end = time.now() + timeoutMs;
    let backoffMs = 1_000;
    for (let turn = 0; !hasCome(over); turn += 1) {
      const sent = this.#attempt(method, over, code);
      if (method === "POST" && turn === 0) await this.#dieWhileAsking(sent);
      const answer = await sent;
      const heard = turn < deafFor ? null : answer;
      if (hasCome(over)) return null;
      this.#note(`${method} of its claim: ${String(heard?.status ?? "no answer")}`);
      if (heard !== null && !AGAIN.test(String(heard.status))) return heard;
      const waitMs = heard?.retryAfterMs ?? backoffMs;
      backoffMs = Math.min(30_000, backoffMs * 2);
      if (time.now() + waitMs >= end) return null;
      await time.sleep(waitMs, over);
    }
    return null;
  }

  /** The request is on its way, or even answered, when its sender ends. */
  async #dieWhileAsking(sent: Promise<unknown>): Promise<void> {
    const { end } = this.#fate;
    if (end?.step !== "with the claim sent") return;
    await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 15))]);
    await this.#at("with the claim sent");
  }

  async #attempt(
    method: string,
    over: AbortSignal,
    code?: number,
  ): Promise<{
    readonly status: number;
    readonly text: string;
    readonly retryAfterMs: number | null;
  } | null> {
    const { claim, claim_url: url } = this.#payload;
    const { claimSkewSeconds } = this.#fate;
    const shown = claimSkewSeconds === null ? claim : this.#world.skewed(claim, claimSkewSeconds);
    const headers = {
      Authorization: `Bearer ${shown}`,
      [HOLDER_HEADER]: this.allocation.id,
      ...(code === undefined ? {} : { [EXIT_HEADER]: String(code) }),
    };
    try {
      const signal = AbortSignal.any([over, AbortSignal.timeout(ATTEMPT_MS)]);
      const response = await fetch(url, { method, headers, redirect: "manual", signal });
      const text = await response.text();
      this.#hear(method, response.status, text);
      const after = response.headers.get("retry-after");
      return { status: response.status, text, retryAfterMs: after === null ? null : Number(after) * 1_000 };
    } catch {
      return null;
    }
  }

  #hear(method: string, status: number, text: string): void {
    let told = text;
    if (status === 201) {
      const jit = (JSON.parse(text) as { readonly encoded_jit_config: string }).encoded_jit_config;
      this.#world.secret(`a JIT config of ${this.#name}`, jit);
      told = text.replace(jit, "");
    }
    this.#world.heard(`the answer ${String(status)} to ${method} of the claim of ${this.#name}`, told);
  }

  #note(text: string): void {
    this.#world.note(this.#name, text);
  }
}
