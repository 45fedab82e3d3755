import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { Faults, striking } from "../http/faults";
import { type LoopbackServer, serve } from "../http/serve";
import type { EventLog } from "../event-log";
import { accountRoutes } from "./account-routes";
import { appRoutes } from "./app-routes";
import { GithubAuth, type Installation } from "./auth";
import { Deliverer, type Planner } from "./deliver";
import { deliveryRoutes } from "./delivery-routes";
import { groupRoutes } from "./group-routes";
import { addHook, hookRoutes } from "./hook-routes";
import { jobRoutes } from "./job-routes";
import { listenerRoutes } from "./listener-routes";
import { type RestEnv, guard } from "./rest";
import { runnerRoutes } from "./runner-routes";
import { type Picker, Scheduler } from "./scheduler";
import { searchRoutes } from "./search-routes";
import { GithubState, jobView, runnerView } from "./state";
import type {
  AppSpec,
  Delivery,
  GithubEvent,
  GithubSettings,
  Hook,
  Inventory,
  JobSpec,
  JobView,
  Plan,
  RepositorySpec,
  RunnerView,
  TokenSpec,
} from "./types";

export interface GithubOptions {
  readonly port?: number;
  readonly tokens?: readonly TokenSpec[];
  readonly apps?: readonly AppSpec[];
  readonly settings?: GithubSettings;
}

/** GitHub on loopback, as far as this system meets it. */
export interface GithubStandIn {
  /** Base of the REST API; `/api/v3` under it answers as well, as on GitHub Enterprise Server. */
  readonly url: string;
  readonly faults: Faults;
  readonly events: EventLog<GithubEvent>;
  addRepository(spec: RepositorySpec): void;
  /** Makes a webhook for `owner/name` or an organization. @default events: workflow_job, content type: json */
  addHook(spec: HookSpec): Hook;
  /** Queues a job; ends when its delivery was answered, lost or given up. */
  queueJob(spec: JobSpec): Promise<JobView>;
  cancelJob(jobId: number): Promise<void>;
  /** Opens the approval gate of a job that was queued as `waiting`. */
  approve(jobId: number): Promise<void>;
  jobs(): JobView[];
  runners(): RunnerView[];
  deliveries(): readonly Delivery[];
  /** Where Apps are installed: Terraform's provider is told the id. */
  installations(): readonly Installation[];
  /** Hooks, runner groups and runners that are there. */
  inventory(): Inventory;
  /** Sends a recorded delivery again, under its GUID. */
  redeliver(deliveryId: number): Promise<void>;
  /** Decides what becomes of each delivery from now on. */
  planDeliveries(plan: Planner): void;
  /** Decides which of the fitting runners gets a job from now on. */
  pickRunners(pick: Picker): void;
  /** Takes a runner away, as a person or GitHub's own cleanup does, whatever it is doing. */
  removeRunner(runnerId: number): void;
  /** Lets time have passed, in milliseconds: jobs, deliveries and registrations are that much older. */
  age(ms: number): void;
  /** Changes an organization's plan. */
  setPlan(organization: string, plan: Plan): void;
  /** Ends installation tokens, or one personal access token. */
  revokeTokens(token?: string): void;
  close(): Promise<void>;
}

export interface HookSpec {
  readonly target: string;
  readonly url: string;
  readonly secret: string | null;
  readonly events?: readonly string[];
  readonly contentType?: "json" | "form";
}

/** How often what happens by the clock is looked at. */
const TICK_MS = 100;

/** Starts the GitHub stand-in on 127.0.0.1. Everything it knows is in memory. */
export async function startGithub(options: GithubOptions = {}): Promise<GithubStandIn> {
  const state = new GithubState(options.settings ?? {});
  const auth = new GithubAuth(options.apps ?? [], options.tokens ?? [], () => state.smallId());
  const deliverer = new Deliverer(state);
  const scheduler = new Scheduler(state, deliverer);
  const faults = new Faults();
  const parts: Parts = { state, auth, deliverer, scheduler, faults };
  const app = application(parts, () => server.url);
  const server: LoopbackServer = await serve(
    (request, bindings) => app.fetch(request, bindings),
    options.port,
  );
  const clock = setInterval(() => {
    scheduler.tick(Date.now());
  }, TICK_MS).unref();
  return {
    url: server.url,
    ...controls(parts),
    close: async () => {
      clearInterval(clock);
      scheduler.close();
      await deliverer.close();
      await server.close();
    },
  };
}

interface Parts {
  readonly state: GithubState;
  readonly auth: GithubAuth;
  readonly deliverer: Deliverer;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
}

function application(
  { state, auth, deliverer, scheduler, faults }: Parts,
  serverUrl: () => string,
): Hono<{ Bindings: HttpBindings }> {
  const rest = new Hono<RestEnv>()
    .use(guard(state, auth))
    .route("/", runnerRoutes(state, serverUrl))
    .route("/", groupRoutes(state, serverUrl))
    .route("/", jobRoutes(state))
    .route("/", appRoutes(auth, state.settings.clock))
    .route("/", hookRoutes(state, deliverer))
    .route("/", deliveryRoutes(state, deliverer))
    .route("/", accountRoutes(state))
    .route("/", searchRoutes(state));
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(striking(faults));
  app.route("/_listener", listenerRoutes(state, scheduler));
  app.route("/api/v3", rest);
  app.route("/", rest);
  app.notFound((context) => context.json({ message: "Not Found", status: "404" }, 404));
  return app;
}

function controls({
  state,
  auth,
  deliverer,
  scheduler,
  faults,
}: Parts): Omit<GithubStandIn, "url" | "close"> {
  return {
    faults,
    events: state.events,
    addRepository: (spec) => void state.addRepository(spec),
    addHook: ({ target, url, secret, events = ["workflow_job"], contentType = "json" }) =>
      addHook(state, target, { url, secret, events, contentType, active: true, insecureSsl: "0" }),
    queueJob: async (spec) => {
      const { job, delivered } = scheduler.queue(spec);
      await delivered;
      return jobView(job);
    },
    cancelJob: (jobId) => scheduler.cancel(jobId),
    approve: (jobId) => scheduler.approve(jobId),
    jobs: () => [...state.jobs.values()].map(jobView),
    runners: () => [...state.runners.values()].map(runnerView),
    deliveries: () => [...state.deliveries],
    installations: () => [...auth.installations],
    inventory: () => ({
      hooks: [...state.hooks.values()].map(({ id, target, url, events, active }) => ({
        ...{ id, target, url, events, active },
      })),
      groups: [...state.groups.values()],
      runners: [...state.runners.values()].map(runnerView),
    }),
    redeliver: async (deliveryId) => {
      const delivery = state.deliveries.find((it) => it.id === deliveryId);
      const hook = delivery === undefined ? undefined : state.hooks.get(delivery.hookId);
      if (delivery === undefined || hook === undefined) throw new Error(`no delivery ${String(deliveryId)}`);
      await deliverer.redeliver(hook, delivery);
    },
    planDeliveries: (plan) => {
      deliverer.plan = plan;
    },
    pickRunners: (pick) => {
      scheduler.pick = pick;
      scheduler.assign();
    },
    removeRunner: (runnerId) => {
      const runner = state.runners.get(runnerId);
      if (runner !== undefined) state.removeRunner(runner);
    },
    age: (ms) => {
      state.age(ms);
    },
    setPlan: (organization, plan) => {
      state.setPlan(organization, plan);
    },
    revokeTokens: (token) => {
      if (token === undefined) auth.revokeIssued();
      else auth.revoke(token);
    },
  };
}
