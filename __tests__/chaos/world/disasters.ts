import { pause } from "./pause";
import type { World } from "./world";

/** Plays what befalls machines by the plan: Nomad's outages, kills of workerd, and whoever forges deliveries. */
export class Disasters {
  readonly #world: World;
  readonly #stop = new AbortController();
  readonly #playing: Promise<unknown>[] = [];
  /** Outages of Nomad that overlap end with the last. */
  #down = 0;
  kills = 0;

  constructor(world: World) {
    this.#world = world;
    const { outages, kills, faults } = world.plan;
    for (const { from, to } of outages) this.#playing.push(this.#outage(from, to));
    this.#playing.push(this.#killAll(kills));
    if (faults.has("delivery-forged")) this.#playing.push(this.#forge());
  }

  /** Ends all of it: Nomad is there again, and so is workerd. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#playing);
  }

  async #outage(from: number, to: number): Promise<void> {
    await this.#pause(from);
    if (this.#stop.signal.aborted) return;
    this.#down += 1;
    if (this.#down === 1) await this.#world.nomad.down();
    await this.#pause(to - from);
    this.#down -= 1;
    if (this.#down === 0) await this.#world.nomad.up();
  }

  async #killAll(kills: World["plan"]["kills"]): Promise<void> {
    const began = Date.now();
    for (const { at, midDelivery } of kills) {
      await this.#pause(at - (Date.now() - began));
      if (midDelivery) await this.#aDelivery();
      if (this.#stop.signal.aborted) return;
      this.#world.transcript.note("workerd", "is killed");
      this.kills += 1;
      await this.#world.worker.kill();
    }
  }

  /** The next delivery was sent, and is not answered yet. */
  async #aDelivery(): Promise<void> {
    const { events } = this.#world.github;
    await new Promise<void>((resolve) => {
      const off = events.on("event", ({ type }) => {
        if (type === "delivery.sent") setTimeout(done, 2);
      });
      const done = (): void => {
        off();
        resolve();
      };
      this.#stop.signal.addEventListener("abort", done, { once: true });
    });
  }

  async #forge(): Promise<void> {
    const { plan, forger, github } = this.#world;
    for (let turn = 1; !this.#stop.signal.aborted; turn += 1) {
      const random = plan.draws.of("forged", turn);
      await this.#pause(random.between(20, 150));
      const deliveries = github.deliveries();
      const model = deliveries[random.between(0, Math.max(0, deliveries.length - 1))];
      if (model !== undefined) await forger.send(random, model);
    }
  }

  #pause(ms: number): Promise<void> {
    return pause(Math.max(0, ms), this.#stop.signal);
  }
}
