import type { Fault, StruckRequest } from "../../../local/http/faults";
import { NOMAD_OUTAGES } from "../../../local/nomad/outages";
import type { Random } from "../../live/lifecycle/random";
import type { FaultName, FaultSet } from "./faults";
import type { Plan } from "./plan";

type Chances = readonly (readonly [
  FaultName,
  share: number,
  make: (random: Random, skewMs: number) => Fault,
])[];

const TEXT = { "Content-Type": "text/plain; charset=utf-8" };
const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };

const NOMAD: Chances = [
  ["nomad-429", 1, () => NOMAD_OUTAGES.throttled],
  [
    "nomad-500",
    1,
    (random) =>
      random.pick<Fault>([
        NOMAD_OUTAGES.noLeader,
        { kind: "answer", status: 500, headers: TEXT, body: "parameterized job not found" },
      ]),
  ],
  ["nomad-530", 1, (random) => random.pick<Fault>([NOMAD_OUTAGES.tunnelDown, NOMAD_OUTAGES.originDown])],
  ["nomad-access", 1, () => NOMAD_OUTAGES.accessForbidden],
  ["nomad-redirect", 1, () => NOMAD_OUTAGES.accessRedirect],
  ["nomad-hang", 0.2, () => NOMAD_OUTAGES.hang],
  ["nomad-refuse", 1, () => NOMAD_OUTAGES.drop],
  ["nomad-lose", 1, () => NOMAD_OUTAGES.lostAnswer],
];

function said(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Fault {
  return {
    kind: "answer",
    status,
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify({ message, status: String(status) }),
  };
}

/** The budget is used up for a second, by GitHub's clock. */
function limited(now: number): Fault {
  return said(429, "API rate limit exceeded", {
    Date: new Date(now).toUTCString(),
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": String(Math.ceil(now / 1_000) + 1),
  });
}

const GITHUB: Chances = [
  [
    "github-403",
    0.5,
    (random, skewMs) =>
      random.pick([
        said(403, "You have exceeded a secondary rate limit.", { "Retry-After": "1" }),
        limited(Date.now() + skewMs),
      ]),
  ],
  ["github-409", 1, () => said(409, "Already exists - A runner with the name already exists.")],
  ["github-422", 1, () => said(422, "Validation Failed")],
  [
    "github-5xx",
    1,
    (random) =>
      random.pick([
        said(500, "Server Error"),
        said(502, "Bad Gateway"),
        said(503, "No server is available"),
        { kind: "drop" },
        { kind: "lose" },
      ]),
  ],
  ["github-hang", 0.15, () => ({ kind: "hang" })],
];

/** One request in so many meets a fault of its service, whichever are on. */
const STRUCK = 0.16;

/** Decides about each request by what it is for and how often that was asked before. */
export class ServiceFaults {
  readonly #plan: Plan;
  readonly #asked = new Map<string, number>();
  /** Set to false: nothing is struck any more. */
  active = true;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** @param runner what a dispatch is for, `job key:ordinal` */
  nomad(runner: string): Fault | null {
    return this.#draw("nomad", runner, NOMAD);
  }

  /** @param request `POST`, `GET` or `DELETE` and what it is about */
  github(request: string): Fault | null {
    return this.#draw("github", request, GITHUB);
  }

  #draw(service: string, key: string, all: Chances): Fault | null {
    const turn = (this.#asked.get(`${service} ${key}`) ?? 0) + 1;
    this.#asked.set(`${service} ${key}`, turn);
    const chances = enabled(all, this.#plan.faults);
    if (!this.active || chances.length === 0) return null;
    const random = this.#plan.draws.of(service, key, turn);
    if (random.next() >= STRUCK) return null;
    const total = chances.reduce((sum, [, share]) => sum + share, 0);
    let place = random.next() * Math.max(1, total);
    for (const [, share, make] of chances) {
      place -= share;
      if (place < 0) return make(random, this.#plan.skewMs);
    }
    return null;
  }
}

function enabled(all: Chances, faults: FaultSet): Chances {
  return all.filter(([name]) => faults.has(name));
}

/** What a request to GitHub's API is about, in words that are the same in each run of a seed: its runner or job. The ids
 *  that GitHub gives out are not. @param nameOf ids of this run to names of the plan */
export function aboutGithub({ method, path, body }: StruckRequest, nameOf: (id: string) => string): string {
  const [route = ""] = path.split("?", 1);
  const named = /"name":"([^"]+)"/.exec(body)?.[1] ?? /[?&]name=([^&]+)/.exec(path)?.[1] ?? "";
  return `${method} ${route} ${named}`
    .replace(/(?<=\/runners\/)\d+/, nameOf)
    .replace(/\d{11,}/g, nameOf)
    .replace(/\b[0-9a-f]{6}-(?=[a-z])/, "");
}
