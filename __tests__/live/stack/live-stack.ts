import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildConnector } from "../../../local/cloudflare/build-connector";
import { type CloudflareStandIn, startCloudflare } from "../../../local/cloudflare/cloudflare";
import { type GithubStandIn, startGithub } from "../../../local/github/github";
import { makeRunnerRoot } from "../../../local/runner/root";
import { onFreePorts } from "../agent";
import { type ConsulAgent, startConsulAgent } from "../consul-agent";
import { type NomadAgent, startNomadAgent } from "../nomad-agent";
import type { Programs } from "../programs";
import { type Ended, type RunningProgram, startProgram } from "../run-program";
import { RunnersNamespace } from "../runners-namespace";
import { type VaultAgent, startVaultAgent } from "../vault-agent";
import { type OperatorCredentials, makeCredentials } from "./credentials";
import { Deployment } from "./deployment";
import { documentedPolicy } from "./documented-policies";
import { pathWithPublicCurl } from "./public-curl";
import {
  ACCESS_TEAM,
  GITHUB_APP_SECRET,
  HOSTNAME,
  type LiveSettings,
  NAMESPACE,
  OWNER,
  PRIVATE,
  PROVIDERS_SECRET,
  PUBLIC,
  ZONE,
} from "./settings";
import { WorkflowJobs } from "./workflow-jobs";

const PROJECT = join(__dirname, "..", "..", "..");
/** In a run's directory: TMPDIR of whoever deploys. */
export const TEMPORARY = "tmp";
/** Name of the policies of whoever deploys. */
const DEPLOYER = "whoever-deploys";
const ACCOUNT_ID = "0123456789abcdef0123456789abcdef";
/** Each minute would be as it is deployed; the scenes do not wait that long. */
const SWEEP_SECONDS = 5;
const ZONE_ID = "fedcba9876543210fedcba9876543210";
/** What Terraform, npm and a proxy read of the machine's environment. */
const HANDED_ON =
  /^(PATH|HOME|USER|TF_CLI_CONFIG_FILE|TF_PLUGIN_CACHE_DIR|SSL_CERT_\w+|\w+_proxy|\w+_PROXY)$/;

/** The six systems, up and on loopback: Nomad, Consul and Vault themselves, GitHub and Cloudflare as stand-ins. */
export interface Systems {
  readonly nomad: NomadAgent;
  readonly consul: ConsulAgent;
  readonly vault: VaultAgent;
  readonly github: GithubStandIn;
  readonly cloudflare: CloudflareStandIn;
  readonly credentials: OperatorCredentials;
  /** PATH of Nomad's tasks. */
  readonly path: string;
  close(): Promise<void>;
}

/** Starts them. @param ground directory for what they need, and nothing else */
export async function startSystems(programs: Programs, ground: string): Promise<Systems> {
  const closing: (() => Promise<void>)[] = [];
  const opened = <T extends { close(): Promise<void> }>(system: T): T => {
    closing.push(() => system.close());
    return system;
  };
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const credentials = makeCredentials();
    const cloudflare = opened(
      await startCloudflare({
        accountId: ACCOUNT_ID,
        zone: { id: ZONE_ID, name: ZONE },
        teamName: ACCESS_TEAM,
        apiToken: credentials.cloudflareToken,
        sweepSeconds: SWEEP_SECONDS,
      }),
    );
    const resolve = { [`https://${HOSTNAME}`]: cloudflare.edgeUrl };
    const github = opened(
      await startGithub({
        tokens: [{ token: credentials.githubToken, owner: OWNER }],
        apps: [{ appId: credentials.appId, publicKey: credentials.appPublicKey, accounts: [OWNER] }],
        settings: { resolve },
      }),
    );
    github.addRepository({ fullName: PRIVATE, organization: true });
    github.addRepository({ fullName: PUBLIC, organization: true, private: false });
    const vault = opened(await onFreePorts(() => startVaultAgent(programs.vault.file)));
    const path = await pathWithPublicCurl(process.env["PATH"] ?? "", join(ground, "curl"), {
      origin: `https://${HOSTNAME}`,
      listener: cloudflare.edgeUrl,
    });
    const consul = opened(await onFreePorts(() => startConsulAgent(programs.consul.file)));
    const nomad = opened(
      await onFreePorts(() =>
        startNomadAgent({ program: programs.nomad.file, path, vaultUrl: vault.url, twoNodes: true }),
      ),
    );
    return { nomad, consul, vault, github, cloudflare, credentials, path, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The stack, and what deploys it. */
export class LiveStack {
  readonly systems: Systems;
  readonly runners: RunnersNamespace;
  readonly jobs: WorkflowJobs;
  /** Whoever deploys. */
  readonly deployment: Deployment;
  /** Where this run keeps its files. */
  readonly ground: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #terraform: string;
  readonly #others: Deployment[] = [];
  readonly #running = new Set<RunningProgram>();
  #settings: LiveSettings;

  private constructor(
    systems: Systems,
    ground: string,
    terraform: string,
    settings: LiveSettings,
    environment: Readonly<Record<string, string>>,
  ) {
    this.systems = systems;
    this.runners = new RunnersNamespace(systems.nomad, NAMESPACE);
    this.jobs = new WorkflowJobs(systems.github, this.runners);
    this.ground = ground;
    this.#terraform = terraform;
    this.#settings = settings;
    this.#environment = environment;
    this.deployment = this.#deployer("deploy", environment);
  }

  /** Does what an operator does once before the first deploy. */
  static async make(systems: Systems, terraform: string, ground: string): Promise<LiveStack> {
    const { vault, consul, nomad, github, credentials, cloudflare } = systems;
    const temporary = join(ground, TEMPORARY);
    await mkdir(temporary);
    const runner = { root: join(ground, "runner"), user: process.getuid?.() === 0 ? "nobody" : null };
    await makeRunnerRoot(runner.root);
    const put = (name: string, data: Readonly<Record<string, string>>): Promise<unknown> =>
      vault.call("POST", `/v1/${vault.kvMount}/data/${name}`, { data });
    await put(GITHUB_APP_SECRET, { github_app_private_key: credentials.appPrivateKey });
    await put(PROVIDERS_SECRET, {
      cloudflare_api_token: credentials.cloudflareToken,
      nomad_token: nomad.token,
      github_token: credentials.githubToken,
    });
    const settings: LiveSettings = {
      accountId: ACCOUNT_ID,
      zoneId: ZONE_ID,
      consulAddress: new URL(consul.url).host,
      nomadUrl: nomad.url,
      vaultUrl: vault.url,
      kvMount: vault.kvMount,
      githubUrl: github.url,
      appId: credentials.appId,
      connector: {
        command: await buildConnector(join(ground, "connector")),
        environment: { STAND_IN_EDGE: cloudflare.edgeUrl },
      },
      runner,
      runnerMemoryMib: 256,
      maxRunners: 0,
      scope: "repository",
      providers: "environment",
      generations: { webhookSecret: 1, nomadToken: 1 },
    };
    const environment = {
      ...handedOn(temporary),
      CONSUL_HTTP_TOKEN: await consul.limitedToken(DEPLOYER, documentedPolicy(PROJECT, "Consul")),
      VAULT_TOKEN: await vault.limitedToken(DEPLOYER, vaultPolicy(vault)),
      NOMAD_TOKEN: nomad.token,
      GITHUB_TOKEN: credentials.githubToken,
      CLOUDFLARE_API_TOKEN: credentials.cloudflareToken,
      CLOUDFLARE_BASE_URL: cloudflare.apiUrl,
    };
    const stack = new LiveStack(systems, ground, terraform, settings, environment);
    await stack.change({});
    return stack;
  }

  get settings(): LiveSettings {
    return this.#settings;
  }

  /** What whoever deploys has in the environment. */
  get environment(): Readonly<Record<string, string>> {
    return { ...this.#environment };
  }

  /** Edits the settings, as a user edits runners.config.ts. */
  async change(changes: Partial<LiveSettings>): Promise<void> {
    this.#settings = { ...this.#settings, ...changes };
    await writeFile(this.settingsFile, JSON.stringify(this.#settings));
  }

  /**
   * Somebody else who deploys the same, with a directory of their own.
   * @param without variables that they do not have
   */
  other(without: readonly string[] = []): Deployment {
    const environment = Object.entries(this.#environment).filter(([name]) => !without.includes(name));
    const name = `other-${String(this.#others.length + 1)}`;
    const other = this.#deployer(name, Object.fromEntries(environment));
    this.#others.push(other);
    return other;
  }

  /** Ends what still deploys. */
  async close(): Promise<void> {
    await Promise.all([this.deployment, ...this.#others].map((each) => each.close()));
    await Promise.all([...this.#running].map((each) => each.end()));
  }

  /** Runs a program of the project's, with nobody's credentials but those given. */
  async run(
    [file = "", ...args]: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<Ended> {
    const options = {
      directory: PROJECT,
      environment: { ...handedOn(join(this.ground, TEMPORARY)), ...environment },
    };
    const running = startProgram(file, args, options);
    this.#running.add(running);
    const ended = await running.ended;
    this.#running.delete(running);
    return ended;
  }

  /** Everything that any of them has printed. */
  told(): string {
    return [this.deployment, ...this.#others].map(({ told }) => told).join("\n");
  }

  /** Where the settings are. */
  get settingsFile(): string {
    return join(this.ground, "settings.json");
  }

  #deployer(name: string, environment: Readonly<Record<string, string>>): Deployment {
    return new Deployment({
      terraform: this.#terraform,
      project: PROJECT,
      output: join(this.ground, name),
      settings: this.settingsFile,
      environment,
    });
  }
}

/** What the document says, and what it says to add for the settings of this stack. */
function vaultPolicy({ kvMount }: VaultAgent): string {
  const reads = [GITHUB_APP_SECRET, PROVIDERS_SECRET].map(
    (name) => `path "${kvMount}/data/${name}" {\n  capabilities = ["read"]\n}\n`,
  );
  return [documentedPolicy(PROJECT, "Vault"), ...reads].join("");
}

/** @param temporary directory for what the programs make for a while */
function handedOn(temporary: string): Record<string, string> {
  const known = Object.entries(process.env).filter(([name]) => HANDED_ON.test(name));
  return { ...Object.fromEntries(known.map(([name, value]) => [name, value ?? ""])), TMPDIR: temporary };
}
