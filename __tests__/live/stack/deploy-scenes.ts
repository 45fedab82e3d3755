import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Check, check, holds } from "../report";
import type { PlannedChange } from "./deployment";
import { allSecrets, leaksIn } from "./leaks";
import type { LiveStack } from "./live-stack";
import { CLASS_JOB, CONNECTOR_JOB, HOSTNAME, NAMESPACE, PRIVATE, PUBLIC, STATE_PATH } from "./settings";
import { throughFrontDoor } from "./front-door";

/** What Cloudflare has to have, by kind. */
const AT_CLOUDFLARE = [
  "access application",
  "access policy",
  "cron trigger",
  "custom domain",
  "d1 database",
  "dns record",
  "service token",
  "tunnel",
  "worker",
];
const CHANGED_MEMORY_MIB = 320;
/** How long the second deployer may take to be told that the state is locked. */
const LOCKED_MS = 60_000;

/** `cdktf deploy` from nothing, and a look at each system. */
export async function playDeploy(live: LiveStack): Promise<readonly Check[]> {
  const { github, cloudflare, nomad, consul } = live.systems;
  await live.deployment.deploy();
  const kinds = cloudflare.inventory().map(({ kind }) => kind);
  const hooks = github.inventory().hooks;
  const pings = github.deliveries().filter(({ event }) => event === "ping");
  const nodes = await connectorNodes(live);
  const keys = await consul.keys(STATE_PATH);
  const health = await throughFrontDoor(live, HOSTNAME, "/healthz");
  const classJob = (await nomad.call("GET", `/v1/job/${CLASS_JOB}?namespace=${NAMESPACE}`)) as ClassJob;
  return [
    holds(
      `Cloudflare has one of each kind (${String(AT_CLOUDFLARE.length)})`,
      [...kinds].sort().join() === AT_CLOUDFLARE.join(),
      kinds.join(", "),
    ),
    holds(
      "each repository has one webhook, for workflow_job at the Worker",
      hooks
        .map(({ target, url, events }) => `${target} ${url} ${events.join()}`)
        .sort()
        .join("; ") ===
        [PRIVATE, PUBLIC].map((target) => `${target} https://${HOSTNAME}/webhook workflow_job`).join("; "),
      JSON.stringify(hooks),
    ),
    holds(
      "the pings that came with them were accepted (2)",
      pings.length === 2 && pings.every(({ statusCode }) => statusCode === 200),
      ...pings.map(({ statusCode, responseBody }) => `${String(statusCode)} ${responseBody}`),
    ),
    holds("Nomad has the class's job, parameterized", classJob.ParameterizedJob !== null, "it is not"),
    holds(
      "two connectors run on two nodes, and Cloudflare knows them",
      new Set(nodes).size === 2 && nodes.length === 2 && cloudflare.connectors() === 2,
      `${nodes.join(", ") || "no node"}; ${String(cloudflare.connectors())} connected`,
    ),
    holds("the deployed Worker is healthy", health.status === 200, String(health.status), health.text),
    holds("the state is in Consul, and its lock is given back", keys.join() === STATE_PATH, keys.join()),
    ...(await checkSecrecy(live)),
  ];
}

/** `cdktf diff` right after a deploy. */
export async function playNoChange(live: LiveStack): Promise<readonly Check[]> {
  const { changes, outputs, told } = await live.deployment.diff();
  return [
    holds(
      "cdktf diff shows no change",
      /No changes\. Your infrastructure matches the configuration\./.test(told),
      told.slice(-2_000),
    ),
    check("its plan holds none", [...changes.map(describe), ...outputs]),
  ];
}

/** The same for whoever has nothing but Vault's token and the state's. */
export async function playCredentialsFromVault(live: LiveStack): Promise<readonly Check[]> {
  await live.change({ providers: "vault" });
  const other = live.other(["GITHUB_TOKEN", "NOMAD_TOKEN", "CLOUDFLARE_API_TOKEN"]);
  const { changes } = await other.diff();
  await live.change({ providers: "environment" });
  return [
    check(
      "with the providers' credentials from Vault, the plan holds no change either",
      changes.map(describe),
    ),
  ];
}

/** A class is changed: the diff shows that alone, and the deploy does it. */
export async function playChangedClass(live: LiveStack): Promise<readonly Check[]> {
  await live.change({ runnerMemoryMib: CHANGED_MEMORY_MIB });
  const { changes } = await live.deployment.diff();
  await live.deployment.deploy();
  const after = await live.deployment.diff();
  const job = await live.jobs.queue({ repository: PRIVATE, name: "after the change" });
  await live.jobs.ended([job]);
  const child = await live.runners.child(`${String(job.id)}:1`);
  const memory = await memoryOf(live, child.ID);
  const [change] = changes;
  const variables = change === undefined ? [] : changedVariables(change);
  return [
    holds(
      "the diff shows one change: the class's job is updated in place",
      changes.length === 1 && change?.type === "nomad_job" && change.actions.join() === "update",
      ...changes.map(describe),
    ),
    holds("and of it the memory alone", variables.join() === "memory", ...variables),
    check("after its deploy there is no change", after.changes.map(describe)),
    holds(
      `the next runner has the changed memory, ${String(CHANGED_MEMORY_MIB)} MiB`,
      memory === CHANGED_MEMORY_MIB,
      `${String(memory)} MiB`,
    ),
    ...(await live.jobs.checks([job])),
  ];
}

/** Two deploys at once: the first is held within an upload, and the second finds the state locked. */
export async function playTwoDeploys(live: LiveStack): Promise<readonly Check[]> {
  const { cloudflare } = live.systems;
  await live.change({ maxRunners: 20 });
  const gate = cloudflare.gate({ method: "PUT", path: /\/workers\/scripts\/[^/]+$/ });
  const first = await live.deployment.startDeploy();
  let second: { readonly code: number; readonly output: string };
  try {
    const early = first.ended.then(({ output }) => {
      throw new Error(`the first deploy ended without an upload:\n${output.slice(-2_000)}`);
    });
    await Promise.race([gate.reached, early]);
    const other = await live.other().startDeploy();
    const killer = setTimeout(() => void other.end(), LOCKED_MS);
    second = await other.ended;
    clearTimeout(killer);
  } finally {
    gate.open();
  }
  const firstEnd = await first.ended;
  const after = await live.deployment.diff();
  return [
    holds(
      "the second deploy fails with the lock's error",
      second.code !== 0 && /Error acquiring the state lock/.test(second.output.replace(/\s+/g, " ")),
      `ended with ${String(second.code)}: ${second.output.slice(-1_000)}`,
    ),
    holds("the first goes on and succeeds", firstEnd.code === 0, firstEnd.output.slice(-2_000)),
    check("then there is no change", after.changes.map(describe)),
  ];
}

/** No secret in what was printed so far, nor in what was synthesized. */
export async function checkSecrecy(live: LiveStack): Promise<readonly Check[]> {
  const { systems, deployment, environment } = live;
  const secrets = await allSecrets(systems.credentials, environment, deployment);
  const synthesized = await readFile(join(deployment.directory, "cdk.tf.json"), "utf8");
  return [
    check(`none of ${String(secrets.length)} secrets was printed`, [
      ...leaksIn(live.told(), secrets),
      ...leaksIn(systems.cloudflare.workerLogs().join("\n"), secrets),
    ]),
    check("none is in the synthesized JSON", leaksIn(synthesized, secrets)),
    check("none is in what Nomad shows of our jobs", leaksIn(await shownByNomad(live), secrets)),
  ];
}

/**
 * The jobs of the stack, with the variables that Terraform submitted. Nomad cannot read a submission again whose variables
 * hold a `%`, as those of the class's scripts do, and answers 500: then nobody else reads it either.
 */
async function shownByNomad({ systems: { nomad } }: LiveStack): Promise<string> {
  const jobs = [
    { path: `/v1/job/${CLASS_JOB}`, namespace: NAMESPACE },
    { path: `/v1/job/${CONNECTOR_JOB}`, namespace: "default" },
  ];
  const texts = jobs.map(async ({ path, namespace }) => {
    const job = await nomad.text(`${path}?namespace=${namespace}`);
    const version = String((JSON.parse(job) as { readonly Version: number }).Version);
    const submitted = nomad.text(`${path}/submission?version=${version}&namespace=${namespace}`);
    return job + (await submitted.catch((error: unknown) => unreadable(error)));
  });
  return (await Promise.all(texts)).join("\n");
}

function unreadable(error: unknown): string {
  if (String(error).includes("500 invalid URL escape")) return "";
  throw error;
}

export function describe({ address, actions }: PlannedChange): string {
  return `${actions.join("+")} ${address}`;
}

interface ClassJob {
  readonly ParameterizedJob: unknown;
}

/** Nodes of the connectors' running allocations. */
async function connectorNodes({ systems: { nomad } }: LiveStack): Promise<readonly string[]> {
  const allocations = await nomad.call("GET", `/v1/job/${CONNECTOR_JOB}/allocations`);
  return (allocations as { readonly NodeID: string; readonly ClientStatus: string }[])
    .filter(({ ClientStatus }) => ClientStatus === "running")
    .map(({ NodeID }) => NodeID);
}

/** Names of the job's variables that are others after the change. */
function changedVariables({ before, after }: PlannedChange): readonly string[] {
  const of = (values: PlannedChange["before"]): Readonly<Record<string, string>> =>
    (values?.["hcl2"] as { readonly vars?: Readonly<Record<string, string>> }[] | undefined)?.[0]?.vars ?? {};
  const [old, next] = [of(before), of(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(next)])].filter((name) => old[name] !== next[name]);
}

async function memoryOf({ systems: { nomad } }: LiveStack, child: string): Promise<number | undefined> {
  const job = (await nomad.call("GET", `/v1/job/${encodeURIComponent(child)}?namespace=${NAMESPACE}`)) as {
    readonly TaskGroups: readonly { readonly Tasks: readonly TaskSpec[] }[];
  };
  return job.TaskGroups[0]?.Tasks.find(({ Name }) => Name === "runner")?.Resources.MemoryMB;
}

interface TaskSpec {
  readonly Name: string;
  readonly Resources: { readonly MemoryMB: number };
}
