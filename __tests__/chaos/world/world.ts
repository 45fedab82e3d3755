import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../../../constructs/worker-bundle";
import { META_KEYS } from "../../../contracts/dispatch";
import { type GithubStandIn, startGithub } from "../../../local/github/github";
import type { Child, NomadJob } from "../../../local/nomad/types";
import { type NomadStandIn, startNomad } from "../../../local/nomad/nomad";
import { type LoopSecrets, makeSecrets } from "../../../local/secrets";
import type { LocalBindings } from "../../../local/worker/edge";
import { UNHARMED, deliveryFate, runnerFate } from "../plan/fates";
import type { Plan } from "../plan/plan";
import { ServiceFaults, aboutGithub } from "../plan/service-faults";
import { HOOK_TARGETS, POLICY, REPOSITORY_SPECS } from "../plan/settings";
import { Forger } from "./forger";
import { Names } from "./names";
import { Observer } from "./observer";
import { type AgentWorld, RunnerAgent } from "./runner-agent";
import { resigned } from "./claims";
import { Sleepers } from "./sleepers";
import { Transcript } from "./transcript";
import { VirtualTime } from "./virtual-time";
import { WorkerHost } from "./worker-host";

/** GitHub's minutes go by as fast as the ledger's, some fifty times. */
const GITHUB_TIMES = { pickupMs: 1_200, disconnectMs: 1_200, lostRunnerMs: 2_500 };

/** The Worker, GitHub, Nomad and everything that goes wrong between them. */
export interface World {
  readonly plan: Plan;
  readonly secrets: LoopSecrets;
  readonly time: VirtualTime;
  readonly names: Names;
  readonly transcript: Transcript;
  readonly github: GithubStandIn;
  readonly nomad: NomadStandIn;
  readonly worker: WorkerHost;
  readonly observer: Observer;
  readonly forger: Forger;
  readonly faults: ServiceFaults;
  readonly sleepers: Sleepers;
  /** How often anything was struck. */
  readonly struck: Map<string, number>;
  close(): Promise<void>;
}

/** @param script the Worker's text; undefined: the bundle that would be deployed */
export async function startWorld(plan: Plan, script: string | undefined): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), "chaos-"));
  const closing: (() => Promise<void>)[] = [
    () => rm(directory, { recursive: true, force: true, maxRetries: 5 }),
  ];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    return { ...(await build(plan, script, directory, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  plan: Plan,
  script: string | undefined,
  directory: string,
  closing: (() => Promise<void>)[],
): Promise<Omit<World, "close">> {
  const secrets = makeSecrets();
  const parts = {
    plan,
    secrets,
    time: new VirtualTime(),
    transcript: new Transcript(),
    faults: new ServiceFaults(plan),
    sleepers: new Sleepers(),
    struck: new Map<string, number>(),
  };
  const github = await startGithub({
    apps: [{ appId: secrets.appId, publicKey: secrets.appPublicKey, accounts: ["octo-org", "mega-org"] }],
    settings: {
      ...GITHUB_TIMES,
      // GitHub removes idle runners after minutes, as everybody has seen and nobody documents.
      ...(plan.faults.has("runner-death") ? { idleRemovalMs: 3_000 } : {}),
      clock: () => Date.now() + plan.skewMs,
    },
  });
  closing.push(() => github.close());
  const names = new Names(github);
  const nomad: NomadStandIn = await startNomad({
    jobs: POLICY.classes.map(({ job }) => parameterized(job)),
    tokens: [{ secret: secrets.nomadToken, capabilities: ["dispatch-job"] }],
    capacity: plan.capacity,
    access: { clientId: secrets.accessId, clientSecret: secrets.accessSecret },
    launch: (child) => {
      const world: AgentWorld = agentWorld(parts, names, (lost, keep) => nomad.replace(lost.id, keep));
      const name = names.ofChild(child);
      return new RunnerAgent(
        child,
        world,
        parts.faults.active ? runnerFate(plan, name, child.allocations.length) : UNHARMED,
      );
    },
  });
  closing.push(() => nomad.close());
  const worker = await WorkerHost.start({
    bindings: bindingsOf(secrets, github.url, nomad.url),
    ledgerDir: join(directory, "ledger"),
    script: script ?? bundled(),
    onLog: (line) => {
      parts.transcript.read("the Worker's log", line);
    },
  });
  closing.push(() => worker.close());
  const forger = new Forger(worker.url, secrets.webhookSecret, (source, text) => {
    parts.transcript.read(source, text);
  });
  const world = { ...parts, names, github, nomad, worker, forger, observer: new Observer(worker) };
  breakThings(world);
  addHooks(world);
  return world;
}

let built: string | null = null;

/** The bundle that would be deployed; made once, so that all seeds of a run play the same. */
function bundled(): string {
  built ??= buildWorker().script;
  return built;
}

function parameterized(id: string): NomadJob {
  return {
    id,
    parameterized: { payload: "required", metaRequired: [...META_KEYS], metaOptional: [] },
    stopped: false,
    // What runs is this process's own agent; Nomad only sees that there is a task.
    tasks: [
      {
        name: "runner",
        lifecycle: "main",
        command: "",
        args: [],
        env: {},
        payloadFile: null,
        templates: [],
        killSignal: "SIGINT",
        killTimeoutMs: 0,
      },
    ],
  };
}

function bindingsOf(secrets: LoopSecrets, githubUrl: string, nomadUrl: string): LocalBindings {
  return {
    RUNNER_POLICY: JSON.stringify(POLICY),
    GITHUB_WEBHOOK_SECRET: secrets.webhookSecret,
    GITHUB_API_URL: githubUrl,
    GITHUB_APP_ID: secrets.appId,
    GITHUB_APP_PRIVATE_KEY: secrets.appPrivateKey,
    NOMAD_ADDR: nomadUrl,
    NOMAD_TOKEN: secrets.nomadToken,
    CF_ACCESS_CLIENT_ID: secrets.accessId,
    CF_ACCESS_CLIENT_SECRET: secrets.accessSecret,
    CLAIM_KEY: secrets.claimKey,
    STATUS_TOKEN: secrets.statusToken,
  };
}

type Parts = Pick<World, "plan" | "secrets" | "time" | "transcript" | "faults" | "sleepers" | "struck">;

function agentWorld(
  { secrets, time, transcript, faults, sleepers, struck }: Parts,
  names: Names,
  replace: (child: Child, keep: boolean) => Promise<void>,
): AgentWorld {
  return {
    time,
    nameOf: (child) => names.ofChild(child),
    idleTimeoutMs: ({ parent }) =>
      (POLICY.classes.find(({ job }) => job === parent)?.idleTimeoutSeconds ?? 60) * 1_000,
    note: (runner, text) => {
      transcript.note(runner, text);
    },
    heard: (source, text) => {
      transcript.read(source, text);
    },
    count: (what) => {
      counted(struck, what);
    },
    secret: (name, text) => {
      transcript.secret(name, text);
    },
    late: (runner, status) => {
      transcript.lateClaims.push({ runner, status });
    },
    skewed: (claim, seconds) => (faults.active ? resigned(claim, seconds, secrets.claimKey) : claim),
    replace,
    awake: (runner, signal) => sleepers.sleep(runner, signal),
    breaks: () => faults.active,
  };
}

/** Puts the plan's faults before GitHub, its deliveries and Nomad. */
function breakThings({ plan, github, nomad, names, faults, struck }: Omit<World, "close">): void {
  const count = (what: string): void => {
    counted(struck, what);
  };
  nomad.faults.decide = ({ path }) => {
    const token = new URL(path, "http://nomad").searchParams.get("idempotency_token");
    const fault = token === null ? null : faults.nomad(names.ofToken(token));
    if (fault !== null) count(`Nomad: ${fault.kind === "answer" ? String(fault.status) : fault.kind}`);
    return fault;
  };
  github.faults.decide = (request) => {
    // Runners have a connection of their own; what breaks there is in their fate.
    if (request.path.startsWith("/_listener")) return null;
    const fault = faults.github(aboutGithub(request, (id) => names.ofId(id)));
    if (fault !== null) count(`GitHub: ${fault.kind === "answer" ? String(fault.status) : fault.kind}`);
    return fault;
  };
  github.planDeliveries(({ action, jobId }) => {
    const key = jobId === null ? undefined : names.keyOf(jobId);
    if (!faults.active || key === undefined || action === null) return {};
    const fate = deliveryFate(plan, key, action);
    if (fate.drop === true || fate.fail === true)
      count(`deliveries: ${fate.drop === true ? "never sent" : "failed"}`);
    return fate;
  });
}

function addHooks({ github, worker, secrets }: Omit<World, "close">): void {
  for (const repository of REPOSITORY_SPECS) github.addRepository(repository);
  for (const target of HOOK_TARGETS) {
    github.addHook({ target, url: `${worker.url}/webhook`, secret: secrets.webhookSecret });
  }
}

function counted(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
