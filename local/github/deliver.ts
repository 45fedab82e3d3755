import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { GithubState } from "./state";
import { deliveryHeaders } from "./sign";
import type { Delivery, DeliveryPlan, Hook, Job, Repository } from "./types";
import { pingPayload, workflowJobPayload } from "./payload";
import { post, unreached } from "./post";

/** Decides what becomes of a delivery, so that a test can lose, double, delay and reorder them. */
export type Planner = (delivery: {
  readonly event: string;
  readonly action: string | null;
  readonly jobId: number | null;
  readonly hookId: number;
}) => DeliveryPlan;

interface Parcel {
  readonly guid: string;
  readonly event: string;
  readonly action: string | null;
  readonly repository: Repository | null;
  readonly jobId: number | null;
  readonly body: string;
  readonly redelivery: boolean;
}

/** Sends webhooks as GitHub does: signed, with a time limit, recorded, and never by itself a second time. */
export class Deliverer {
  plan: Planner = () => ({});
  readonly #state: GithubState;
  readonly #stop = new AbortController();
  readonly #inFlight = new Set<Promise<unknown>>();

  constructor(state: GithubState) {
    this.#state = state;
    // Each delivery that waits listens.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Tells every hook of the job's repository and of its owner. Ends when the last copy was answered or given up. */
  async workflowJob(action: "queued" | "waiting" | "in_progress" | "completed", job: Job): Promise<void> {
    const { repository } = job.run;
    // Made before anything is awaited: the delivery tells the state at the moment of the event.
    const body = JSON.stringify(workflowJobPayload(action, job));
    const hooks = [...this.#state.hooks.values()].filter(
      (hook) => hook.active && listens(hook, "workflow_job") && covers(hook, repository),
    );
    await Promise.all(
      hooks.map((hook) =>
        this.#send(hook, {
          guid: randomUUID(),
          event: "workflow_job",
          action,
          repository,
          jobId: job.id,
          body,
          redelivery: false,
        }),
      ),
    );
  }

  /** Sent by GitHub once when a hook is made. */
  async ping(hook: Hook): Promise<void> {
    const repository = this.#state.repository(hook.target) ?? null;
    const body = JSON.stringify(pingPayload(hook.id, repository));
    const parcel = { guid: randomUUID(), event: "ping", action: null, repository, jobId: null, body };
    await this.#send(hook, { ...parcel, redelivery: false });
  }

  /** The same payload under the same GUID once more. */
  async redeliver(hook: Hook, earlier: Delivery): Promise<void> {
    const { guid, event, action, jobId } = earlier;
    const repository =
      [...this.#state.repositories.values()].find((it) => it.id === earlier.repositoryId) ?? null;
    const body = earlier.payload;
    await this.#track(
      this.#attempt(hook, { guid, event, action, repository, jobId, body, redelivery: true }),
    );
  }

  /** Gives up what is on its way and waits for it. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([...this.#inFlight]);
  }

  async #send(hook: Hook, parcel: Parcel): Promise<void> {
    const { event, action, jobId } = parcel;
    const plan = this.plan({ event, action, jobId, hookId: hook.id });
    if (plan.drop === true) {
      this.#state.events.emit({ type: "delivery.dropped", event, jobId });
      return;
    }
    if (plan.delayMs !== undefined) await this.#pause(plan.delayMs);
    const attempt = (): Promise<void> => this.#track(this.#attempt(hook, parcel, plan.fail === true));
    const copies = Array.from({ length: plan.copies ?? 1 }, attempt);
    await Promise.all(copies);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#inFlight.add(work);
    return work.finally(() => this.#inFlight.delete(work));
  }

  async #attempt(hook: Hook, parcel: Parcel, fails = false): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { events, deliveries, settings } = this.#state;
    const body = hook.contentType === "json" ? parcel.body : `payload=${encodeURIComponent(parcel.body)}`;
    const repository = this.#state.repository(hook.target);
    const headers = deliveryHeaders(
      {
        guid: parcel.guid,
        event: parcel.event,
        hookId: hook.id,
        target: {
          type: repository === undefined ? "organization" : "repository",
          id: repository?.id ?? hook.id,
        },
        contentType: hook.contentType,
        secret: hook.secret,
      },
      body,
    );
    const started = Date.now();
    events.emit({ type: "delivery.sent", guid: parcel.guid, event: parcel.event, jobId: parcel.jobId });
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(settings.deliveryTimeoutMs)]);
    const answer = fails
      ? unreached()
      : await post({ url: hook.url, headers, body }, settings.resolve, signal);
    const delivery: Delivery = {
      id: this.#state.id(),
      guid: parcel.guid,
      hookId: hook.id,
      deliveredAt: settings.clock() - (Date.now() - started),
      redelivery: parcel.redelivery,
      duration: (answer.at - started) / 1000,
      status: answer.status,
      statusCode: answer.code,
      event: parcel.event,
      action: parcel.action,
      repositoryId: parcel.repository?.id ?? null,
      requestHeaders: headers,
      payload: parcel.body,
      responseBody: answer.body,
      jobId: parcel.jobId,
    };
    deliveries.push(delivery);
    events.emit({ type: "delivery.answered", delivery });
  }

  #pause(ms: number): Promise<void> {
    return this.#track(
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          this.#stop.signal.removeEventListener("abort", end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        this.#stop.signal.addEventListener("abort", end);
      }),
    );
  }
}

function listens(hook: Hook, event: string): boolean {
  return hook.events.includes(event) || hook.events.includes("*");
}

function covers(hook: Hook, repository: Repository): boolean {
  const target = hook.target.toLowerCase();
  return target === repository.fullName.toLowerCase() || target === repository.owner.toLowerCase();
}
