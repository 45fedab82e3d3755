import type { GithubStandIn } from "../../../local/github/github";
import type { Child } from "../../../local/nomad/types";

/** Names of the plan for what GitHub and the Worker number anew in each run. */
export class Names {
  readonly #keys = new Map<string, string>();
  readonly #jobs = new Map<string, { readonly id: number; readonly runId: number }>();

  constructor(github: Pick<GithubStandIn, "events">) {
    github.events.on("event", (event) => {
      if (event.type === "job.queued" || event.type === "job.waiting") {
        const { id, runId, name } = event.job;
        if (!this.#jobs.has(name)) this.#jobs.set(name, { id, runId });
        this.#keys.set(String(id), name);
        if (!this.#keys.has(String(runId))) this.#keys.set(String(runId), `run-of-${name}`);
      } else if (event.type === "runner.registered") {
        this.#keys.set(String(event.runner.id), this.ofId(event.runner.name));
      }
    });
  }

  /** GitHub's ids of a job of the plan, once it was queued. */
  job(key: string): { readonly id: number; readonly runId: number } | undefined {
    return this.#jobs.get(key);
  }

  keyOf(jobId: number): string | undefined {
    return this.#keys.get(String(jobId));
  }

  /** A text with what is in it of ids replaced, the stack's id left out. */
  ofId(text: string): string {
    const known = this.#keys.get(text);
    if (known !== undefined) return known;
    return text.replace(/^[0-9a-f]{6}-/, "").replace(/\d{11,}/g, (id) => this.#keys.get(id) ?? id);
  }

  /** `job key:ordinal`, of an idempotency token; that of a pool's stays. */
  ofToken(token: string): string {
    return this.ofId(token);
  }

  ofChild({ token, id }: Pick<Child, "token" | "id">): string {
    return token === null ? id : this.ofToken(token);
  }
}
