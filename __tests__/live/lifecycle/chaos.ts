import type { ClaimGranted } from "../../../contracts/claim";
import type { ClaimCall, Interceptor } from "./claim-gateway";
import { type Listed, endRunner, listAllocations } from "./endings";
import type { Kill, KillPlan, Moment } from "./kill-plan";
import type { Place, World } from "./place";

/** What became of one runner. */
export interface Fate {
  readonly allocation: string;
  readonly child: string;
  /** The end that the plan has for it; null when it may live. */
  kill: Kill | null;
  /** Milliseconds since the epoch; null until it was killed. */
  killedAt: number | null;
  /** `-<job>-<ordinal>`, as its name ends; null until it has shown its claim. */
  suffix: string | null;
  /** 201 when its claim was granted; null until the Worker has answered. */
  answer: number | null;
}

const LOOK_MS = 300;

/** Kills runners by a plan while they work: from outside by what Nomad lists, and at the door by their claims. */
export class Chaos implements Interceptor {
  readonly #world: World;
  readonly #place: Place;
  readonly #plan: KillPlan;
  readonly #fates = new Map<string, Fate>();
  readonly #kills = new Set<Promise<void>>();
  #watching: Promise<void> | null = null;
  #ended = false;
  #broken: Error | null = null;

  constructor(world: World, place: Place, plan: KillPlan) {
    this.#world = world;
    this.#place = place;
    this.#plan = plan;
    place.gateway.intercept(this);
    place.loop.github.events.on("event", (event) => {
      if (event.type !== "job.in_progress") return;
      const fate = this.fateOf(event.job.runnerName ?? "");
      if (fate?.kill?.moment === "working") this.#later(fate, fate.kill);
    });
  }

  /** Every runner so far. */
  fates(): readonly Fate[] {
    return [...this.#fates.values()];
  }

  /** Of two allocations of one child, the one that was granted the claim. @param runnerName as GitHub has it */
  fateOf(runnerName: string): Fate | undefined {
    const found = this.fates().filter(({ suffix }) => suffix !== null && runnerName.endsWith(suffix));
    return found.find(({ answer }) => answer === 201) ?? found[0];
  }

  begin(): void {
    this.#watching = this.#watch();
  }

  /** @throws Error what a kill or a look has thrown */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#watching;
    await Promise.all(this.#kills);
    if (this.#broken !== null) throw this.#broken;
  }

  async arrived(call: ClaimCall): Promise<boolean> {
    const fate = await this.#sight(call.holder);
    if (call.method === "DELETE") return !(fate.kill?.unheard === true && fate.killedAt !== null);
    fate.suffix = `-${String(call.job)}-${String(call.ordinal)}`;
    if (fate.kill === null) return true;
    if (fate.kill.moment !== "claiming") return fate.killedAt === null;
    await this.#end(fate, fate.kill);
    return false;
  }

  async answered(call: ClaimCall, status: number, granted: ClaimGranted | null): Promise<boolean> {
    const fate = await this.#sight(call.holder);
    if (call.method === "DELETE") return true;
    fate.answer = status;
    const { kill } = fate;
    if (kill === null || fate.killedAt !== null) return true;
    if (granted === null) {
      // It leaves by itself: another one gets its end.
      if (status === 409 || status === 410) this.#pass(fate, kill);
      return true;
    }
    if (kill.moment === "registered") this.#later(fate, kill);
    if (kill.moment !== "answered") return true;
    await this.#end(fate, kill);
    return false;
  }

  #note(error: unknown): void {
    this.#broken ??= error instanceof Error ? error : new Error(String(error));
  }

  #pass(fate: Fate, kill: Kill): void {
    fate.kill = null;
    this.#plan.giveBack(kill);
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      try {
        for (const listed of await listAllocations(this.#world.agent, this.#place.namespace)) {
          if (!isOver(listed)) this.#meet(listed);
        }
      } catch (error) {
        this.#note(error);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** A claim may come before its allocation was seen in the list. */
  async #sight(allocation: string): Promise<Fate> {
    const known = this.#fates.get(allocation);
    if (known !== undefined) return known;
    const listed = await listAllocations(this.#world.agent, this.#place.namespace);
    const found = listed.find(({ ID }) => ID === allocation);
    if (found === undefined) throw new Error(`a claim of ${allocation}, which Nomad does not have`);
    return this.#meet(found);
  }

  #meet({ ID, JobID }: Listed): Fate {
    const known = this.#fates.get(ID);
    if (known !== undefined) return known;
    const kill = this.#plan.next();
    const fate: Fate = { allocation: ID, child: JobID, kill, killedAt: null, suffix: null, answer: null };
    this.#fates.set(ID, fate);
    if (kill?.moment === "starting") this.#later(fate, kill);
    return fate;
  }

  #later(fate: Fate, kill: Kill): void {
    const wait = new Promise((resolve) => setTimeout(resolve, kill.delayMs));
    const done = wait
      .then(() => this.#end(fate, kill))
      .catch((error: unknown) => {
        this.#note(error);
      });
    this.#kills.add(done);
  }

  async #end(fate: Fate, kill: Kill): Promise<void> {
    if (fate.killedAt !== null) return;
    // Before the order: what comes of it may be heard of first.
    fate.killedAt = Date.now();
    const { agent } = this.#world;
    const { nomad, namespace } = this.#place;
    const victim = { agent, nomad, namespace, allocation: fate.allocation, child: fate.child };
    if (await endRunner(kill.means, victim)) return;
    // There is no process yet, and stopping the job does it; or there is none any more.
    if (kill.moment === "starting" && fate.suffix === null) {
      await endRunner("stop the job", victim);
      return;
    }
    fate.killedAt = null;
    this.#pass(fate, kill);
  }
}

/** Whether its tasks have ended, or never will begin. */
function isOver({ ClientStatus }: Listed): boolean {
  return !["pending", "running"].includes(ClientStatus);
}

/** Kills by moment, in the order of a runner's life. */
export function killsByMoment(fates: readonly Fate[]): ReadonlyMap<Moment, number> {
  const counts = new Map<Moment, number>([
    ["starting", 0],
    ["claiming", 0],
    ["answered", 0],
    ["registered", 0],
    ["working", 0],
  ]);
  for (const { kill, killedAt } of fates)
    if (kill !== null && killedAt !== null) counts.set(kill.moment, (counts.get(kill.moment) ?? 0) + 1);
  return counts;
}
