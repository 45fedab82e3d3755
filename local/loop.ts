import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunnerClass, WrittenPolicy } from "../contracts/policy";
import { type CurlPath, pathWithCurl } from "./curl/find";
import { type GithubStandIn, startGithub } from "./github/github";
import type { GithubSettings, RepositorySpec } from "./github/types";
import type { Variables } from "./nomad/jobspec";
import { type JobspecSource, type NomadStandIn, startNomad } from "./nomad/nomad";
import { makeRunnerRoot } from "./runner/root";
import { type LoopSecrets, makeSecrets } from "./secrets";
import { type LocalBindings, type LocalWorker, startWorker } from "./worker/edge";

export interface LoopOptions {
  /** Changes to {@link LOOP_POLICY}. */
  readonly policy?: Partial<WrittenPolicy>;
  /** @default one private repository, octo-org/example */
  readonly repositories?: readonly RepositorySpec[];
  readonly github?: GithubSettings;
  /** How the Worker proves itself to GitHub. @default "app" */
  readonly credential?: "app" | "token";
  /** Allocations at once. @default no limit */
  readonly capacity?: number;
  /** Access in front of Nomad. @default "forbid" */
  readonly access?: "forbid" | "redirect" | "none";
  /** The cron fires so often; 0 is only when asked. @default 0 */
  readonly sweepSeconds?: number;
  /** Bindings put in place of the loop's own; undefined takes one away. */
  readonly bindings?: LocalBindings;
  /** Variables of the job specification besides those of the class. */
  readonly jobVariables?: Variables;
  readonly onLog?: (line: string) => void;
  /** Text of the Worker. @default the bundle that would be deployed */
  readonly script?: string;
}

/** The whole system on loopback: what the demo plays on and what acceptance tests look at. */
export interface Loop {
  readonly github: GithubStandIn;
  readonly nomad: NomadStandIn;
  readonly worker: LocalWorker;
  readonly policy: WrittenPolicy;
  readonly secrets: LoopSecrets;
  /** What is not as on a usual machine, for people. */
  readonly notes: readonly string[];
  /** Ends every process and removes every file; safe to call twice. */
  close(): Promise<void>;
}

/** A Nomad that runs already, to be used in place of the stand-in. */
export interface OutsideNomad {
  readonly url: string;
  /** May dispatch in the namespace, and nothing else. */
  readonly token: string;
  readonly namespace: string;
  /** Registers the job of a class in the namespace, over one that may be there. */
  register(job: JobspecSource): Promise<void>;
}

export const LOOP_CLASS: RunnerClass = {
  name: "linux",
  job: "github-runner-linux",
  labels: ["self-hosted", "linux", "x64"],
  maxRunners: 0,
  maxRunnersPerRepository: 0,
  pickupDeadlineSeconds: 300,
  idleTimeoutSeconds: 300,
  maxDurationSeconds: 21_600,
};

export const LOOP_POLICY: WrittenPolicy = {
  scope: "repository",
  repositories: ["octo-org/*"],
  publicRepositories: [],
  forkPullRequests: "refuse",
  requireSelfHostedLabel: true,
  runnerGroupId: 1,
  classes: [LOOP_CLASS],
};

const JOBS = join(__dirname, "..", "jobs");
/** In the order in which Nomad reads them as one file. */
const JOBSPEC = ["runner.variables.hcl", "runner.nomad.hcl"];
const SCRIPTS = {
  start_script: "start-runner.sh",
  claim_script: "claim.sh",
  hook_script: "job-started-hook.sh",
  release_script: "release-runner.sh",
};

/** Starts GitHub, Nomad and the Worker on free ports of loopback, with secrets of their own and a webhook each. */
export function startLoop(options: LoopOptions = {}): Promise<Loop> {
  return withinDirectory(async (directory, closing) => {
    const ground = await startGround(options, directory, closing);
    const { policy, secrets } = ground;
    const access = options.access ?? "forbid";
    const nomad = await startNomad({
      jobs: ground.jobs,
      tokens: [{ secret: secrets.nomadToken, capabilities: ["dispatch-job"] }],
      path: ground.curl.path,
      ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
      ...(access === "none"
        ? {}
        : { access: { clientId: secrets.accessId, clientSecret: secrets.accessSecret, refusal: access } }),
    });
    closing.push(() => nomad.close());
    const worker = await startEdge(options, ground, { NOMAD_ADDR: nomad.url }, closing);
    const notes = ground.curl.standIn
      ? ["no curl on this machine: the runner scripts use local/curl in its place"]
      : [];
    return { github: ground.github, nomad, worker, policy, secrets, notes };
  });
}

/**
 * The same around a Nomad of the caller's, without Access in front of it. Its tasks need curl on their PATH.
 * @param options `capacity` and `access` are the stand-in's and change nothing here
 */
export function startLoopOn(
  outside: OutsideNomad,
  options: Omit<LoopOptions, "capacity" | "access"> = {},
): Promise<Omit<Loop, "nomad" | "notes">> {
  return withinDirectory(async (directory, closing) => {
    const open = { ...options, access: "none" } as const;
    const ground = await startGround(open, directory, closing);
    for (const job of ground.jobs) await outside.register(job);
    const { url: NOMAD_ADDR, token: NOMAD_TOKEN, namespace: NOMAD_NAMESPACE } = outside;
    const worker = await startEdge(open, ground, { NOMAD_ADDR, NOMAD_TOKEN, NOMAD_NAMESPACE }, closing);
    return { github: ground.github, worker, policy: ground.policy, secrets: ground.secrets };
  });
}

type Closing = (() => Promise<void>)[];

/** Gives what is started a directory, and one way to end it all, which is taken at once when the start fails. */
async function withinDirectory<T>(
  start: (directory: string, closing: Closing) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "runner-loop-"));
  const closing: Closing = [() => rm(directory, { recursive: true, force: true, maxRetries: 5 })];
  let closed: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  const close = (): Promise<void> => (closed ??= closeAll());
  try {
    return { ...(await start(directory, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What stands whatever the Nomad is. */
interface Ground {
  readonly secrets: LoopSecrets;
  readonly policy: WrittenPolicy;
  readonly repositories: readonly RepositorySpec[];
  readonly owners: readonly string[];
  readonly github: GithubStandIn;
  readonly curl: CurlPath;
  readonly jobs: readonly JobspecSource[];
}

async function startGround(options: LoopOptions, directory: string, closing: Closing): Promise<Ground> {
  const secrets = makeSecrets();
  const policy: WrittenPolicy = { ...LOOP_POLICY, ...options.policy };
  const repositories = options.repositories ?? [
    { fullName: "octo-org/example", organization: policy.scope === "organization" },
  ];
  const owners = [...new Set(repositories.map(({ fullName }) => fullName.split("/", 1).join("")))];
  const root = join(directory, "runner");
  await makeRunnerRoot(root);
  const curl = await pathWithCurl(process.env["PATH"] ?? "", join(directory, "curl"));
  const github = await startGithub({
    tokens: owners.slice(0, 1).map((owner) => ({ token: secrets.githubToken, owner })),
    apps: [{ appId: secrets.appId, publicKey: secrets.appPublicKey, accounts: owners }],
    ...(options.github === undefined ? {} : { settings: options.github }),
  });
  closing.push(() => github.close());
  const file = join(directory, "runner.nomad.hcl");
  await writeFile(file, JOBSPEC.map((part) => readFileSync(join(JOBS, part), "utf8")).join(""));
  const jobs = policy.classes.map((it) => jobspec(file, it, policy, root, options.jobVariables ?? {}));
  return { secrets, policy, repositories, owners, github, curl, jobs };
}

/** Starts the Worker, and tells GitHub of its hooks. */
async function startEdge(
  options: LoopOptions,
  ground: Ground,
  nomad: LocalBindings,
  closing: Closing,
): Promise<LocalWorker> {
  const { github, policy, secrets, repositories, owners } = ground;
  const worker = await startWorker({
    bindings: { ...bindings(options, secrets, policy, github.url), ...nomad, ...options.bindings },
    sweepSeconds: options.sweepSeconds ?? 0,
    ...(options.onLog === undefined ? {} : { onLog: options.onLog }),
    ...(options.script === undefined ? {} : { script: options.script }),
  });
  closing.push(() => worker.close());
  // As a deployed Worker's cron does within a minute: making the tables takes most of one invocation's subrequests.
  await worker.sweep();
  for (const repository of repositories) github.addRepository(repository);
  const targets = policy.scope === "organization" ? owners : repositories.map(({ fullName }) => fullName);
  for (const target of targets) {
    github.addHook({ target, url: `${worker.url}/webhook`, secret: secrets.webhookSecret });
  }
  return worker;
}

function bindings(
  options: LoopOptions,
  secrets: LoopSecrets,
  policy: WrittenPolicy,
  githubUrl: string,
): LocalBindings {
  const credential: LocalBindings =
    options.credential === "token"
      ? { GITHUB_TOKEN: secrets.githubToken }
      : { GITHUB_APP_ID: secrets.appId, GITHUB_APP_PRIVATE_KEY: secrets.appPrivateKey };
  const service: LocalBindings =
    options.access === "none"
      ? {}
      : { CF_ACCESS_CLIENT_ID: secrets.accessId, CF_ACCESS_CLIENT_SECRET: secrets.accessSecret };
  return {
    RUNNER_POLICY: JSON.stringify(policy),
    GITHUB_WEBHOOK_SECRET: secrets.webhookSecret,
    GITHUB_API_URL: githubUrl,
    NOMAD_TOKEN: secrets.nomadToken,
    CLAIM_KEY: secrets.claimKey,
    STATUS_TOKEN: secrets.statusToken,
    ...credential,
    ...service,
  };
}

/** The job of a class as it is deployed, on the plain process driver. */
function jobspec(
  file: string,
  runnerClass: RunnerClass,
  policy: WrittenPolicy,
  root: string,
  more: Variables,
): JobspecSource {
  const scripts = Object.entries(SCRIPTS).map(
    ([variable, file]) => [variable, readFileSync(join(JOBS, file), "utf8")] as const,
  );
  return {
    file,
    variables: {
      ...Object.fromEntries(scripts),
      name: runnerClass.job,
      driver: "raw_exec",
      runner_root: root,
      copy_runner: true,
      idle_timeout_seconds: runnerClass.idleTimeoutSeconds,
      max_duration_seconds: runnerClass.maxDurationSeconds,
      allow_forks: policy.forkPullRequests === "allow",
      ...more,
    },
  };
}
