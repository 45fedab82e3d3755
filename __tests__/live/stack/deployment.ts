import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Ended, type RunningProgram, startProgram } from "../run-program";

/** A change that a plan has for one resource. */
export interface PlannedChange {
  /** Such as `nomad_job.Runners_Classes_linux_Resource_1234`. */
  readonly address: string;
  readonly type: string;
  /** Such as `["update"]` or `["delete", "create"]`. */
  readonly actions: readonly string[];
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** What `cdktf diff` told, and what is in the plan that it left. */
export interface Diff {
  readonly changes: readonly PlannedChange[];
  /** Outputs that would change. */
  readonly outputs: readonly string[];
  readonly told: string;
  readonly seconds: number;
  /** The plan's file. */
  readonly plan: string;
}

export interface DeploymentOptions {
  /** The Terraform to use. */
  readonly terraform: string;
  /** Directory of the whole project. */
  readonly project: string;
  /** The CLI's `--output`: everything that this deployer keeps. Made where it is not there. */
  readonly output: string;
  /** Where the settings are that the app reads. */
  readonly settings: string;
  /** Credentials of providers and backend, and what Terraform reads itself. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Name of the stack that stack/main.ts makes. */
export const STACK = "github-runners";
const CLI = join("node_modules", "cdktf-cli", "bundle", "bin", "cdktf");
/** The end of what a failed command printed; its plan comes before. */
const FAILURE_CHARACTERS = 6_000;
const APP = "node_modules/.bin/tsx __tests__/live/stack/main.ts";

/** One deployer of the stack: the real CLI with an output directory of its own. */
export class Deployment {
  readonly #options: DeploymentOptions;
  readonly #running = new Set<RunningProgram>();
  #told = "";

  constructor(options: DeploymentOptions) {
    this.#options = options;
  }

  /** Where Terraform works. */
  get directory(): string {
    return join(this.#options.output, "stacks", STACK);
  }

  /** Everything that the CLI and Terraform have printed so far. */
  get told(): string {
    return this.#told;
  }

  /** `cdktf deploy`. @throws Error with what it printed when it fails */
  async deploy(): Promise<Ended> {
    return this.#succeed("cdktf deploy", await this.tryDeploy());
  }

  /** The same, failure or not. */
  async tryDeploy(): Promise<Ended> {
    return (await this.startDeploy()).ended;
  }

  /** The same, to be watched. */
  async startDeploy(): Promise<RunningProgram> {
    return this.#cli(["deploy", STACK, "--auto-approve"]);
  }

  /** `cdktf diff`, and what its plan holds. @throws Error with what it printed when it fails */
  async diff(): Promise<Diff> {
    const ran = this.#succeed("cdktf diff", await (await this.#cli(["diff", STACK])).ended);
    const plan = JSON.parse(await this.#show("-json", "plan")) as PlanJson;
    const changes = (plan.resource_changes ?? [])
      .filter(({ change }) => change.actions.some((action) => action !== "no-op" && action !== "read"))
      .map(({ address, type, change: { actions, before, after } }) => ({
        address,
        type,
        actions,
        before,
        after,
      }));
    const outputs = Object.entries(plan.output_changes ?? {})
      .filter(([, { actions }]) => actions.some((action) => action !== "no-op"))
      .map(([name]) => name);
    return {
      changes,
      outputs,
      told: ran.output,
      seconds: ran.seconds,
      plan: join(this.directory, "plan"),
    };
  }

  /** `cdktf destroy`. @throws Error with what it printed when it fails */
  async destroy(): Promise<Ended> {
    return this.#succeed(
      "cdktf destroy",
      await (
        await this.#cli(["destroy", STACK, "--auto-approve"])
      ).ended,
    );
  }

  /** Values of the outputs, sensitive ones too. */
  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const said = JSON.parse(await this.terraform("output", "-json")) as Record<string, { value: unknown }>;
    return Object.fromEntries(Object.entries(said).map(([name, { value }]) => [name, value]));
  }

  /** The providers that Terraform installed, such as `hashicorp/nomad 2.5.2`. */
  async providers(): Promise<readonly string[]> {
    const lock = await readFile(join(this.directory, ".terraform.lock.hcl"), "utf8");
    const found = lock.matchAll(/^provider "[^/]+\/([^"]+)" \{\n\s*version\s*= "([^"]+)"/gm);
    return [...found].map(([, name = "", version = ""]) => `${name} ${version}`);
  }

  /** Resources of the state, with every secret in them. */
  async state(): Promise<readonly StateResource[]> {
    const said = JSON.parse(await this.#show("-json")) as StateJson;
    return said.values?.root_module.resources ?? [];
  }

  /** Runs Terraform itself where the CLI left its work. What it prints is not counted as told to anybody. */
  async terraform(...args: readonly string[]): Promise<string> {
    const { terraform } = this.#options;
    const options = { directory: this.directory, environment: this.#environment() };
    const ran = await this.#track(startProgram(terraform, args, options)).ended;
    return this.#succeed(`terraform ${args.join(" ")}`, ran).output;
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.end()));
  }

  async #show(...args: readonly string[]): Promise<string> {
    return this.terraform("show", ...args);
  }

  /**
   * Has another program run the CLI.
   * @param command gets the CLI's whole command line behind its own
   */
  async through(
    command: readonly string[],
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<Ended> {
    return (await this.#cli([...args, STACK], command, environment)).ended;
  }

  async #cli(
    args: readonly string[],
    [file = process.execPath, ...before]: readonly string[] = [],
    more: Readonly<Record<string, string>> = {},
  ): Promise<RunningProgram> {
    const { project, output } = this.#options;
    await mkdir(output, { recursive: true });
    const own = file === process.execPath && before.length === 0 ? [] : [process.execPath];
    // Without the last, it asks the public registry for checksums, whatever mirror is configured.
    const cli = [join(project, CLI), ...args, "--app", APP, "--output", output, "--skip-provider-lock"];
    const options = { directory: project, environment: { ...this.#environment(), ...more } };
    const running = this.#track(startProgram(file, [...before, ...own, ...cli], options));
    void running.ended.then(({ output: told }) => {
      this.#told += told;
    });
    return running;
  }

  #track(running: RunningProgram): RunningProgram {
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  #environment(): Record<string, string> {
    const { terraform, output, settings, environment } = this.#options;
    return {
      ...environment,
      TERRAFORM_BINARY_NAME: terraform,
      LIVE_STACK_SETTINGS: settings,
      // What the CLI keeps for itself goes with the rest.
      CDKTF_HOME: join(output, "home"),
      CHECKPOINT_DISABLE: "1",
      CI: "1",
      FORCE_COLOR: "0",
    };
  }

  #succeed(what: string, ran: Ended): Ended {
    if (ran.code === 0) return ran;
    const said = ran.output.trim().slice(-FAILURE_CHARACTERS);
    throw new Error(`${what} ended with ${String(ran.code)}:\n${said}${hint(ran.output)}`);
  }
}

/** Of `terraform show -json`.
 *  @see https://developer.hashicorp.com/terraform/internals/json-format#plan-representation */
interface PlanJson {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly type: string;
    readonly change: Pick<PlannedChange, "actions" | "before" | "after">;
  }[];
  readonly output_changes?: Readonly<Record<string, { readonly actions: readonly string[] }>>;
}

/** A resource, or what a data source gave. */
export interface StateResource {
  readonly address: string;
  readonly mode: "managed" | "data";
  readonly type: string;
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Of `terraform show -json` without a plan; empty where there is no state. */
interface StateJson {
  readonly values?: { readonly root_module: { readonly resources?: readonly StateResource[] } };
}

/** What to do where Terraform's own words do not say it. */
export function hint(output: string): string {
  const install =
    /Failed to (query available provider packages|install provider)|Inconsistent dependency lock/;
  if (!install.test(output)) return "";
  return (
    "\nTerraform could not install a provider. Where the registry cannot be reached, name a mirror in Terraform's CLI " +
    'configuration (a file with provider_installation { filesystem_mirror { path = "…" } } or network_mirror) and set ' +
    "TF_CLI_CONFIG_FILE to it: https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation"
  );
}
