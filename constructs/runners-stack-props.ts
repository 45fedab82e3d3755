import type { GithubCredentials } from "./github-credentials";
import type { RunnerJobProps } from "./runner-job-props";
import type { WebhookWorkerProps } from "./webhook-worker-props";
import type { RunnerPolicyProps } from "./worker-policy";

/** A runner class: its labels, its driver, its size. What holds for all classes is the stack's. */
export type RunnerClassProps = Omit<RunnerJobProps, "namespace" | "allowForks">;

/** Where the Worker lives. */
export interface CloudflareSettings {
  /** Id of the account. */
  readonly accountId: string;
  /** Id of the zone that holds the Worker's hostname. */
  readonly zoneId: string;
}

/** The cluster. */
export interface NomadSettings {
  /** Nomad's API as whoever deploys reaches it, such as `https://nomad.service.consul:4646`. */
  readonly apiAddress: string;
  /** Nomad's API as the Worker reaches it: an `https` origin behind Access and the tunnel. */
  readonly workerAddress: string;
  /**
   * Namespace of the runner jobs. Whoever may read a job in it can be a runner: give runners their own.
   * @default "default"
   */
  readonly namespace?: string;
}

/** Where Terraform keeps its state. It holds secrets: let nobody read the path who may not deploy.
 *  @see https://developer.hashicorp.com/terraform/language/backend/consul */
export interface ConsulSettings {
  /** Host and port of Consul's HTTP API, such as `consul.example.net:8501`. */
  readonly address: string;
  /**
   * How to reach it.
   * @default "https"
   */
  readonly scheme?: "http" | "https";
  /** Key of the state, such as `terraform/github-runners`. */
  readonly path: string;
}

export interface RunnersStackProps {
  /** Where the Worker lives. */
  readonly cloudflare: CloudflareSettings;
  /** Hostname by which GitHub and the runners reach the Worker, in the zone of `cloudflare`. */
  readonly hostname: string;
  /** The cluster. */
  readonly nomad: NomadSettings;
  /** Where Terraform keeps its state. */
  readonly consul: ConsulSettings;
  /** With what the Worker registers runners: a choice without a default. */
  readonly github: GithubCredentials;
  /** Who gets a runner. */
  readonly policy: RunnerPolicyProps;
  /** The runner classes, in the order in which they are tried. */
  readonly classes: readonly RunnerClassProps[];
  /**
   * Whether an Access service token is sent to Nomad.
   * @default true
   */
  readonly access?: boolean;
  /**
   * Keys that are being changed: the Worker takes the previous one too, from a variable ending in `_previous`.
   * @default - none
   */
  readonly rotating?: readonly ("webhookSecret" | "claimKey")[];
  /**
   * Further settings of the Worker.
   * @default - the Worker's own
   */
  readonly worker?: Pick<
    WebhookWorkerProps,
    "githubApiUrl" | "credentialExpiry" | "scriptName" | "ledgerName" | "retainLedger"
  >;
}
