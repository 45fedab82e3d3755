import { randomUUID } from "node:crypto";
import { deliveryHeaders } from "../../../local/github/sign";
import type { Delivery } from "../../../local/github/types";
import type { Random } from "../../live/lifecycle/random";
import type { ForgedAnswer } from "../evidence";
import { FORK, OUTSIDE, UNLISTED } from "../plan/settings";

type Json = Record<string, unknown>;

/** Far from the ids that GitHub gives out. */
const FIRST_ID = 77_000_000_000;

/** What makes a signed body hostile: it must never lead to a dispatch. */
const HOSTILE: readonly ((body: Json, job: Json, repository: Json) => void)[] = [
  (_body, _job, repository) => Object.assign(repository, { full_name: "octo-org/$(reboot)" }),
  (_body, _job, repository) => Object.assign(repository, { full_name: "octo-org/app/../../secrets" }),
  (_body, _job, repository) => Object.assign(repository, { full_name: OUTSIDE }),
  (_body, _job, repository) =>
    Object.assign(repository, { full_name: UNLISTED, private: false, visibility: "public" }),
  (_body, _job, repository) => Object.assign(repository, { full_name: FORK, private: false, fork: true }),
  (_body, job) => Object.assign(job, { labels: ["self-hosted", ["linux"]] }),
  (_body, job) => Object.assign(job, { labels: ["self-hosted", "linux", "x64\nnot-a-label"] }),
  (_body, job) => Object.assign(job, { labels: Array.from({ length: 5_000 }, () => "linux") }),
  (_body, job) => Object.assign(job, { id: "77000000000; DROP TABLE jobs" }),
  (_body, job) => Object.assign(job, { id: 1e300 }),
  (_body, job) => Object.assign(job, { id: -1 }),
  (_body, job) => Object.assign(job, { status: "waiting" }),
  (body) => Object.assign(body, { action: "queued; --" }),
  (body) => Object.assign(body, { workflow_job: null }),
  (body) => Object.assign(body, { repository: [] }),
];

/** Sends what GitHub never sent. Its texts are forged from a delivery that GitHub did send. */
export class Forger {
  readonly answers: ForgedAnswer[] = [];
  readonly jobs = new Set<number>();
  readonly #url: string;
  readonly #secret: string;
  readonly #heard: (source: string, text: string) => void;
  #turn = 0;

  constructor(url: string, secret: string, heard: (source: string, text: string) => void) {
    this.#url = url;
    this.#secret = secret;
    this.#heard = heard;
  }

  /** Forges one delivery after a real one. */
  async send(random: Random, model: Delivery): Promise<void> {
    const kind = random.pick(["unsigned", "hostile", "replayed"] as const);
    this.#turn += 1;
    if (kind === "replayed")
      return this.#post(kind, "a delivery once more", model.payload, model.requestHeaders);
    const body = JSON.parse(model.payload) as Json;
    const job = body["workflow_job"] as Json;
    const repository = body["repository"] as Json;
    const id = FIRST_ID + this.#turn;
    this.jobs.add(id);
    Object.assign(body, { action: "queued" });
    Object.assign(job, { id, run_id: id, status: "queued", runner_name: null, conclusion: null });
    const which = random.between(0, HOSTILE.length - 1);
    if (kind === "hostile") HOSTILE[which]?.(body, job, repository);
    const text = JSON.stringify(body);
    const what = kind === "hostile" ? `hostile body ${String(which)}` : "wrong signature";
    return this.#post(kind, what, text, this.#headers(random, kind, text));
  }

  #headers(random: Random, kind: "unsigned" | "hostile", text: string): Record<string, string> {
    const secret = kind === "hostile" ? this.#secret : "not the secret";
    const headers = deliveryHeaders(
      {
        guid: randomUUID(),
        event: "workflow_job",
        hookId: 1,
        target: { type: "repository", id: 1 },
        contentType: "json",
        secret,
      },
      text,
    );
    if (kind === "unsigned" && random.next() < 0.3) Reflect.deleteProperty(headers, "X-Hub-Signature-256");
    return headers;
  }

  async #post(
    kind: ForgedAnswer["kind"],
    what: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    try {
      const response = await fetch(`${this.#url}/webhook`, {
        method: "POST",
        body,
        headers,
        signal: AbortSignal.timeout(20_000),
      });
      this.#heard(`the answer to ${what}`, await response.text());
      this.answers.push({ kind, what, status: response.status });
    } catch {
      // The Worker was killed under it.
    }
  }
}
