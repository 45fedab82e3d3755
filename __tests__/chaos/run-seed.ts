import type { Evidence, Invariant, Violation } from "./evidence";
import { INVARIANTS } from "./invariants/all";
import type { Plan } from "./plan/plan";
import { readAgeing } from "./world/ageing";
import { Disasters } from "./world/disasters";
import { gather, readEverything } from "./world/gather";
import { greet } from "./world/greet";
import { leftToDo } from "./world/left-to-do";
import { People } from "./world/people";
import { timelineOf } from "./timeline";
import { type World, startWorld } from "./world/world";

/** An invariant that did not hold, with what is known of whom it is about. */
export interface Broken extends Violation {
  readonly invariant: Pick<Invariant, "number" | "name">;
  readonly timeline: readonly string[];
}

/** What came of a seed. */
export interface SeedResult {
  readonly plan: Plan;
  readonly broken: readonly Broken[];
  readonly jobs: number;
  readonly completed: number;
  readonly dispatches: number;
  readonly deliveries: number;
  /** Failed ones that the Worker had GitHub repeat. */
  readonly redeliveries: number;
  /** Jobs of which no delivery told, and for which the Worker asked GitHub. */
  readonly recovered: number;
  readonly forged: number;
  readonly kills: number;
  readonly struck: ReadonlyMap<string, number>;
  /** From the end of faults until nothing was left to do, in the ledger's time. */
  readonly drainMs: number;
  readonly seconds: number;
}

export interface SeedOptions {
  /** The Worker's text. @default - the bundle that would be deployed */
  readonly script?: string;
  /** Whether what was found is enough: the run ends then. @default - it never is */
  readonly enough?: (broken: readonly Broken[]) => boolean;
  /** Milliseconds of this machine after which it is given up. @default ten minutes */
  readonly mostMs?: number;
  /** Ends the run, and all that it started, when it is aborted. */
  readonly stop?: AbortSignal | undefined;
}

/** Between two looks at the ledger while faults last. */
const TICK_MS = 450;
const MINUTE_MS = 60_000;

/** Faults go on until this share of the jobs is over, but for no more than so many times as long as planned. */
const MOST = 0.75;
const LONGEST = 3;

/** After this time without a fault every waiting job is on its way: a job whose three first runners went unheard gets its
 *  next within three hours. */
const SETTLED_MS = 210 * MINUTE_MS;

/** All is over within this time. It is less than the day after which GitHub gives a waiting job up. */
const DRAINED_MS = 12 * 60 * MINUTE_MS;

/** Plays one seed from its first delivery until nothing is left, and checks all invariants throughout. */
export async function runSeed(
  plan: Plan,
  { script, enough = () => false, mostMs = 10 * MINUTE_MS, stop }: SeedOptions = {},
): Promise<SeedResult> {
  const began = Date.now();
  const world = await startWorld(plan, script);
  const checks = new Checks(world, { enough, endsAt: began + mostMs, stop });
  try {
    await world.worker.sweep();
    await world.observer.install();
    await greet(world);
    const kills = await breakAll(world, checks);
    const drainMs = await drain(world, checks);
    await wakeUp(world);
    await readEverything(world);
    await checks.look("end");
    return {
      ...{ plan, kills, drainMs, broken: checks.broken, struck: world.struck },
      jobs: world.github.jobs().length,
      completed: world.github.jobs().filter(({ status }) => status === "completed").length,
      dispatches: world.nomad.children().length,
      deliveries: world.github.deliveries().length,
      redeliveries: world.github.deliveries().filter(({ redelivery }) => redelivery).length,
      recovered: world.transcript.texts.filter(({ text }) => text.includes('"event":"recovered"')).length,
      forged: world.forger.answers.length,
      seconds: (Date.now() - began) / 1_000,
    };
  } finally {
    await world.close();
  }
}

/** The part in which everything breaks. @returns how often workerd was killed */
async function breakAll(world: World, checks: Checks): Promise<number> {
  const { plan } = world;
  const began = Date.now();
  const people = new People(world);
  const disasters = new Disasters(world);
  const isEnough = (ms: number): boolean =>
    people.isDone && ms >= plan.endsAt && (isMostlyOver(world) || ms >= plan.endsAt * LONGEST);
  for (let turn = 1; !isEnough(Date.now() - began) && !checks.isOver; turn += 1) {
    const tick = new Promise((resolve) => setTimeout(resolve, TICK_MS));
    await skip(world, plan.draws.of("tick", turn).between(5_000, 40_000));
    sweepOnce(world);
    await checks.look("throughout");
    await tick;
  }
  await disasters.end();
  await people.close();
  world.faults.active = false;
  world.nomad.setCapacity(Number.POSITIVE_INFINITY);
  await sweeping.get(world);
  return disasters.kills;
}

/** Whether most of what is served was served while things broke, at whatever pace the machine goes. */
function isMostlyOver({ github, plan }: World): boolean {
  const wanted = plan.jobs.filter(({ served }) => served !== null).length;
  return github.jobs().filter(({ status }) => status === "completed").length >= MOST * wanted;
}

const sweeping = new WeakMap<World, Promise<unknown>>();

/** One sweep at a time: the next goes on with what this one leaves. */
function sweepOnce(world: World): void {
  if (sweeping.has(world)) return;
  const done = world.worker.sweep().finally(() => sweeping.delete(world));
  sweeping.set(world, done);
}

/** Lets time pass without faults until nothing is left to do. @returns how much passed */
async function drain(world: World, checks: Checks): Promise<number> {
  const began = world.time.now();
  for (let passed = 0; passed < DRAINED_MS; passed = world.time.now() - began) {
    await skip(world, stepMs(passed));
    await settle();
    await world.worker.sweep();
    await settle();
    await checks.look(passed > SETTLED_MS ? "settled" : "throughout");
    if (checks.isOver) return passed;
    if (leftToDo(gather(world, "throughout"), world.sleepers.names.size).length === 0) return passed;
  }
  return DRAINED_MS;
}

/** As long as much is going on, time goes in small steps. @param passed since faults ended */
function stepMs(passed: number): number {
  if (passed < 10 * MINUTE_MS) return MINUTE_MS / 2;
  return passed < 60 * MINUTE_MS ? 2 * MINUTE_MS : 5 * MINUTE_MS;
}

/** What runners do at once, they do now: a step of the ledger's time takes a moment of this machine's. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 40));
}

/** Ends when those that slept have shown their claims and left again, or had the time to. */
async function wakeUp(world: World): Promise<void> {
  world.sleepers.wake();
  const isDone = (): boolean =>
    world.transcript.lateClaims.length >= world.sleepers.names.size &&
    leftToDo(gather(world, "throughout"), 0).length === 0;
  for (const end = Date.now() + 10_000; !isDone() && Date.now() < end;) {
    await settle();
    await world.observer.look();
  }
}

async function skip(world: World, ms: number): Promise<void> {
  await world.worker.transaction((await agesOf(world))(ms));
  world.github.age(ms);
  world.time.skip(ms);
}

const ages = new WeakMap<World, Promise<(ms: number) => readonly string[]>>();

function agesOf(world: World): Promise<(ms: number) => readonly string[]> {
  const known = ages.get(world) ?? readAgeing(world.worker);
  ages.set(world, known);
  return known;
}

interface Bounds extends Required<Pick<SeedOptions, "enough">>, Pick<SeedOptions, "stop"> {
  /** When it is given up, in milliseconds since the epoch. */
  readonly endsAt: number;
}

class Checks {
  readonly broken: Broken[] = [];
  readonly #world: World;
  readonly #bounds: Bounds;
  readonly #told = new Set<string>();

  constructor(world: World, bounds: Bounds) {
    this.#world = world;
    this.#bounds = bounds;
  }

  /** Whether nothing more need be played. */
  get isOver(): boolean {
    return this.#bounds.enough(this.broken);
  }

  /** @throws Error when the run has taken too long, or is to end */
  async look(moment: Evidence["moment"]): Promise<void> {
    this.#bounds.stop?.throwIfAborted();
    if (Date.now() > this.#bounds.endsAt) {
      const left = gather(this.#world, "end").left.slice(0, 5).join("; ");
      throw new Error(`seed ${String(this.#world.plan.seed)} was not over in time: ${left}`);
    }
    await this.#world.observer.look();
    const evidence = gather(this.#world, moment);
    for (const invariant of INVARIANTS) {
      for (const violation of invariant.check(evidence)) this.#tell(invariant, violation);
    }
  }

  #tell(invariant: Invariant, violation: Violation): void {
    const key = `${String(invariant.number)} ${String(violation.subject)} ${violation.what}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const { number, name } = invariant;
    this.broken.push({
      ...violation,
      invariant: { number, name },
      timeline: timelineOf(this.#world, violation.subject),
    });
  }
}
