import type { TerraformProvider } from "cdktf";
import type { GithubCredentials } from "./github-credentials";
import type { NomadRoute } from "./nomad-route";
import type { RepositorySelection } from "./repository-selection";
import type { RunnerJobProps } from "./runner-job-props";
import type { WebhookWorkerProps } from "./webhook-worker-props";
import type { RepositoryScopeProps, RunnerScope } from "./runner-scope";
import type { PolicyWideProps, ScopePolicyProps } from "./worker-policy";

/** A runner class: its labels, its driver, its size. What holds for all classes is the stack's. */
export interface RunnerClassProps extends Omit<RunnerJobProps, "namespace" | "allowForks" | "dependsOn"> {
  /**
   * Keeps the class's image on every node that may run the class (`ImagePrePull`). It stays there only when the clients' `image_delay`
   * is more than an hour.
   * @default false - the first runner on a node waits for the image
   */
  readonly prePull?: boolean;
}

/** Who gets a runner, beyond the selection of repositories. */
export type SelectionPolicyProps = RepositoryScopeProps &
  Pick<ScopePolicyProps, "scope"> & {
    /**
     * Runner group of the organization; another one than 1 needs GitHub Team or GitHub Enterprise.
     * @default 1, the default group; then all of the organization's repositories are selected
     */
    readonly runnerGroupId?: number;
  };

/** Where the Worker lives. */
export interface CloudflareSettings {
  /** Id of the account. */
  readonly accountId: string;
  /** Id of the zone that holds the hostnames. */
  readonly zoneId: string;
  /** Name of that zone, such as `example.com`: hostnames outside it are refused at synth. */
  readonly zoneName: string;
}

/** The Nomad objects beside the runner jobs. */
export interface RunnersNomadSettings {
  /**
   * Namespace of the runner jobs. Whoever may read a job in it can be a runner: give runners their own.
   * @default - the stack's name
   */
  readonly namespace?: string;
  /**
   * Whether the namespace is made, and removed with the stack.
   * @default - true, but for the namespace "default"
   */
  readonly createNamespace?: boolean;
  /**
   * Life of the token with which the Worker dispatches, such as `24h`; then deploy again before it ends. The server
   * caps it (`token_max_expiration_ttl`, 24 h by default).
   * @default - it does not end
   */
  readonly dispatchTokenExpiresIn?: string;
  /**
   * Name of the ACL policy for that, and of the token with its generation behind it: letters, digits and hyphens, at most
   * 128. Each stack of a cluster needs its own, since Nomad writes a policy over another of the same name.
   * @default - the namespace and "-dispatch"
   */
  readonly dispatchTokenName?: string;
}

/**
 * Generations of what the stack generates, whole numbers from 1. Raising one and deploying is the rotation. Of the
 * webhook secret and the claim key the one before stays valid until the next rotation.
 */
export interface Generations {
  /**
   * Secret of GitHub's webhooks.
   * @default 1
   */
  readonly webhookSecret?: number;
  /**
   * Key that signs claims. Rotate it at most once a day, or runners on their way lose their claim.
   * @default 1
   */
  readonly claimKey?: number;
  /**
   * Bearer token of `/status` and `/metrics`.
   * @default 1
   */
  readonly statusToken?: number;
  /**
   * Nomad token of the Worker. The new one is in the Worker before the old one is revoked.
   * @default 1
   */
  readonly nomadToken?: number;
  /**
   * Whether the webhook secret and the claim key before the current ones are still taken. Set it to false for one deploy
   * when a key has leaked: after the deploy that raised its number, and for a claim key after the 24 hours that claims live.
   * @default true
   */
  readonly keepPrevious?: boolean;
}

/** Whose jobs get runners, which runners, and by which way. */
export interface OnDemandRunnersProps extends PolicyWideProps {
  /**
   * Name of the stack: lower-case letters, digits and inner hyphens, at most 40, and not `default`. Of it is made whatever
   * two stacks in one account, cluster and Vault must not share, unless it is set by itself: script and ledger, namespace
   * and dispatch policy, tunnel and Access (`<name>-nomad`), the connectors' job and their role and policy in Vault
   * (`<name>-connector`), and their secret there (`<name>/connector`). Another name makes all of these anew, the ledger empty.
   * @default "github-runners"
   */
  readonly name?: string;
  /** Where the Worker lives. */
  readonly cloudflare: CloudflareSettings;
  /** Hostname by which GitHub and the runners reach the Worker, in the zone of `cloudflare`. */
  readonly hostname: string;
  /**
   * Whose workflow jobs get runners: each selection gets its webhooks.
   * @default - `scopes` say it
   */
  readonly repositories?: readonly RepositorySelection[];
  /**
   * Several kinds of places where runners register, such as two organizations and a personal account, instead of
   * `repositories` and `policy`. The first whose patterns name a repository rules it.
   * @default - one scope, of `repositories` and `policy`
   */
  readonly scopes?: readonly RunnerScope[];
  /** The runner classes, in the order in which they are tried. */
  readonly classes: readonly RunnerClassProps[];
  /** With what the Worker registers runners: a choice without a default. */
  readonly github: GithubCredentials;
  /** How the Worker reaches Nomad: a choice without a default. */
  readonly route: NomadRoute;
  /**
   * Namespace and token of the cluster.
   * @default - a namespace of the stack's name, a token that does not end
   */
  readonly nomad?: RunnersNomadSettings;
  /**
   * Who gets a runner, beyond the selection.
   * @default - private repositories of the selection, for jobs that name `self-hosted`
   */
  readonly policy?: SelectionPolicyProps;
  /**
   * Generations of the generated secrets.
   * @default - 1 each
   */
  readonly generations?: Generations;
  /**
   * The ledger. `retain`: Terraform refuses to destroy it.
   * @default - it goes with the stack
   */
  readonly ledger?: { readonly retain?: boolean };
  /**
   * GitHub's provider for an owner's webhooks.
   * @default - the stack's only one
   */
  readonly githubProvider?: (owner: string) => TerraformProvider | undefined;
  /**
   * Further settings of the Worker.
   * @default - the Worker's own
   */
  readonly worker?: Pick<WebhookWorkerProps, "githubApiUrl" | "scriptName" | "ledgerName">;
  /**
   * The day by which synth judges the age of runner releases. It decides on warnings alone; what is synthesized is the same
   * on any day.
   * @default - the day of the synth
   */
  readonly today?: Date;
}
