import { Random } from "./random";

/**
 * When a runner is killed:
 * - `starting` Nomad has its allocation; anything up to its claim may have happened
 * - `claiming` its claim is on the way, and the Worker never hears of it
 * - `answered` the Worker has granted the claim, and the answer is lost with the runner
 * - `registered` it has its JIT config: its listener may have started, and may have been given a job
 * - `working` in its job
 */
export type Moment = "starting" | "claiming" | "answered" | "registered" | "working";

/**
 * How:
 * - `stop the job` as `nomad job stop` of the child does
 * - `stop the allocation` as `nomad alloc stop` does, after which Nomad may place another one
 * - `signal` SIGKILL to the runner's task, as `nomad alloc signal` sends it
 * - `processes` SIGKILL to every process of the runner's task, past Nomad
 */
export type Means = "stop the job" | "stop the allocation" | "signal" | "processes";

export interface Kill {
  readonly moment: Moment;
  readonly means: Means;
  /** From the moment on, in milliseconds. */
  readonly delayMs: number;
  /** Whether the Worker never hears that the claim is given back, as when the node is gone with its runner. */
  readonly unheard: boolean;
}

/** The three: before the claim, after the claim, in the job. */
export const PHASES: Readonly<Record<Moment, string>> = {
  starting: "before the claim",
  claiming: "before the claim",
  answered: "after the claim",
  registered: "after the claim",
  working: "in the job",
};

/** Milliseconds from a moment's beginning within which it is over on a usual machine. */
const DELAY_MS: Readonly<Record<Moment, number>> = {
  starting: 400,
  claiming: 0,
  answered: 0,
  registered: 1_500,
  working: 500,
};
const MOMENTS = Object.keys(DELAY_MS) as readonly Moment[];
const MEANS: readonly Means[] = ["stop the job", "stop the allocation", "signal", "processes"];
const BLOCK = 10;

/** Says of each runner, in the order in which they come, whether and how it is killed. */
export class KillPlan {
  readonly #random: Random;
  readonly #perBlock: number;
  readonly #block: (Kill | null)[] = [];
  readonly #again: Kill[] = [];
  #unheardLeft: number;

  /**
   * @param seed the same one makes the same plan
   * @param share of all runners, in tenths: 0.3 is three of every ten
   * @param unheard how many of the first kills the Worker never hears of: each costs the time after which it gives a
   *   silent runner up
   */
  constructor(seed: number, share: number, unheard: number) {
    this.#random = new Random(seed);
    this.#perBlock = Math.round(share * BLOCK);
    this.#unheardLeft = unheard;
  }

  /** @returns the next runner's end, or null when it may live */
  next(): Kill | null {
    if (this.#block.length === 0) {
      const kills = Array.from({ length: this.#perBlock }, () => this.#kill());
      const spared = Array.from({ length: BLOCK - this.#perBlock }, () => null);
      this.#block.push(...this.#random.shuffled<Kill | null>([...kills, ...spared]));
    }
    return this.#block.shift() ?? this.#again.shift() ?? null;
  }

  /** A runner left before its moment came: the next one that may live gets its end. */
  giveBack(kill: Kill): void {
    this.#again.push(kill);
  }

  #kill(): Kill {
    const moment = this.#random.pick(MOMENTS);
    // A job in hand is told of by GitHub, whatever the runner's node says; so that is no case of its own.
    const unheard = moment !== "working" && this.#unheardLeft > 0 && this.#random.next() < 0.5;
    if (unheard) this.#unheardLeft -= 1;
    const means = this.#random.pick(MEANS);
    return { moment, means, delayMs: this.#random.between(0, DELAY_MS[moment]), unheard };
  }
}
