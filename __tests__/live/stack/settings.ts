import { readFileSync } from "node:fs";

/** Name of the variable with the file in which these are. */
export const SETTINGS_VARIABLE = "LIVE_STACK_SETTINGS";

/** What the live stack's app has to know: addresses of this run, and what its scenes change. No secret. */
export interface LiveSettings {
  readonly accountId: string;
  readonly zoneId: string;
  readonly consulAddress: string;
  readonly nomadUrl: string;
  readonly vaultUrl: string;
  readonly kvMount: string;
  readonly githubUrl: string;
  /** Id of the App with which the Worker registers runners; its key is in Vault. */
  readonly appId: string;
  readonly connector: { readonly command: string; readonly environment: Readonly<Record<string, string>> };
  /** `user` is null where Nomad cannot run a task as another user. */
  readonly runner: { readonly root: string; readonly user: string | null };
  /** Where the providers of GitHub, Cloudflare and Nomad have their credentials from. */
  readonly providers: "environment" | "vault";
  /** What scenes change. */
  readonly runnerMemoryMib: number;
  readonly maxRunners: number;
  /** Where runners register: at each repository, or in a group of the stack's own at the organization. */
  readonly scope: "repository" | "organization";
  readonly generations: { readonly webhookSecret: number; readonly nomadToken: number };
}

export const OWNER = "octo-org";
export const PRIVATE = `${OWNER}/example`;
export const PUBLIC = `${OWNER}/public`;
/** The runner group, in organization scope. */
export const GROUP = "On demand";
export const ZONE = "example.com";
export const HOSTNAME = `runners.${ZONE}`;
export const NOMAD_HOSTNAME = `nomad.${ZONE}`;
export const ACCESS_TEAM = "live";
export const STATE_PATH = "terraform/github-runners";
export const NAMESPACE = "github-runners";
export const CLASS = "linux";
export const CLASS_JOB = `github-runner-${CLASS}`;
export const CONNECTOR_JOB = "github-runners-connector";
/** In the KV engine, without `data/`. */
export const GITHUB_APP_SECRET = "github-runners/github-app";
export const PROVIDERS_SECRET = "github-runners/providers";

export function readSettings(): LiveSettings {
  const file = process.env[SETTINGS_VARIABLE] ?? "";
  if (file === "") throw new Error(`${SETTINGS_VARIABLE} must name the file with the settings, got nothing`);
  return JSON.parse(readFileSync(file, "utf8")) as LiveSettings;
}
