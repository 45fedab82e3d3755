import type { ITerraformDependable } from "cdktf";
import type { RunnerClass } from "../contracts/policy";
import type { GithubCredentials } from "./github-credentials";
import type { RunnerPolicyProps, SeveralScopesProps } from "./worker-policy";

/** How the Worker reaches Nomad. */
export interface WorkerNomadProps {
  /** Origin of the Nomad API behind Access and the tunnel, `https://…`. */
  readonly address: string;
  /** ACL token that may only dispatch (`dispatch-job`). */
  readonly token: string;
  /**
   * Namespace of the runner jobs.
   * @default "default"
   */
  readonly namespace?: string;
  /**
   * The Access service token that is sent on every call.
   * @default - none: nothing stands in front of Nomad
   */
  readonly access?: {
    /** The token's client id. */
    readonly clientId: string;
    /** The token's client secret. */
    readonly clientSecret: string;
  };
}

/** When the Worker's credentials end, as ISO 8601 times; `/status` and `/metrics` show the days left. */
export interface CredentialExpiryProps {
  /**
   * End of the Access service token.
   * @default - unknown
   */
  readonly access?: string;
  /**
   * End of the Nomad token.
   * @default - unknown
   */
  readonly nomad?: string;
}

/** Where the Worker is, whom it serves, and with which credentials. */
export interface WebhookWorkerProps {
  /** Cloudflare account that holds the Worker and its ledger. */
  readonly accountId: string;
  /** Zone of `hostname`. */
  readonly zoneId: string;
  /** Hostname by which GitHub and the runners reach the Worker; Cloudflare makes its DNS record and certificate. */
  readonly hostname: string;
  /** Who gets a runner, in one scope or in several. */
  readonly policy: RunnerPolicyProps | SeveralScopesProps;
  /** The runner classes, in the order in which they are tried; from {@link RunnerJob.runnerClass}. */
  readonly classes: readonly RunnerClass[];
  /**
   * Paths within the policy, such as `repositories` or `classes[0].name`, whose faults whoever makes the Worker tells
   * already: they are not told again here.
   * @default - none
   */
  readonly toldElsewhere?: readonly string[];
  /** With what the Worker registers runners. */
  readonly github: GithubCredentials;
  /** Where and as whom the Worker dispatches. */
  readonly nomad: WorkerNomadProps;
  /** Key that GitHub signs deliveries with. */
  readonly webhookSecret: string;
  /**
   * The key before it, accepted while the webhooks are changed.
   * @default - none
   */
  readonly webhookSecretPrevious?: string;
  /** Key that claims are signed with. */
  readonly claimKey: string;
  /**
   * The key before it, accepted while runners that carry its claims are on their way.
   * @default - none
   */
  readonly claimKeyPrevious?: string;
  /** Bearer token for `/status` and `/metrics`. */
  readonly statusToken: string;
  /**
   * Base of GitHub's REST API; on GitHub Enterprise Server `https://HOST/api/v3`.
   * @default "https://api.github.com"
   */
  readonly githubApiUrl?: string;
  /**
   * When credentials end.
   * @default - unknown
   */
  readonly credentialExpiry?: CredentialExpiryProps;
  /**
   * Name of the Worker's script. Another name is another Worker.
   * @default "github-runners"
   */
  readonly scriptName?: string;
  /**
   * Name of the ledger's database. Another name is another, empty ledger.
   * @default - the script's name
   */
  readonly ledgerName?: string;
  /**
   * Whether Terraform refuses to destroy the ledger, and the history in it.
   * @default false
   */
  readonly retainLedger?: boolean;
  /**
   * What has to stand before the Worker knows of it, such as the classes' jobs.
   * @default - nothing
   */
  readonly dependsOn?: readonly ITerraformDependable[];
}
