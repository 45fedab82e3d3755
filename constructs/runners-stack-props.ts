import type { OnDemandRunnersProps, RunnersNomadSettings } from "./on-demand-runners-props";
import type { ProviderCredentials } from "./provider-credentials";

/** The cluster. */
export interface NomadSettings extends RunnersNomadSettings {
  /** Nomad's API as whoever deploys reaches it, such as `https://nomad.service.consul:4646`. */
  readonly apiAddress: string;
}

/** Vault, or OpenBao.
 *  @see https://registry.terraform.io/providers/hashicorp/vault/5.6.0/docs */
export interface VaultSettings {
  /** Its API as whoever deploys reaches it, such as `https://vault.service.consul:8200`. */
  readonly address: string;
  /**
   * Life of the token that the provider makes for itself, in seconds. A deploy that takes longer ends in a 403, and
   * GitHub's provider makes one webhook a second.
   * @default 1200, as the provider's
   */
  readonly maxLeaseTtlSeconds?: number;
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

/** What a user writes in `runners.config.ts`. */
export interface RunnersStackProps extends Omit<OnDemandRunnersProps, "nomad" | "githubProvider"> {
  /** The cluster. */
  readonly nomad: NomadSettings;
  /** Where Terraform keeps its state. */
  readonly consul: ConsulSettings;
  /**
   * Vault, which `NomadRoute.tunnel` and each `vaultKv` need.
   * @default - none
   */
  readonly vault?: VaultSettings;
  /**
   * Where the providers of GitHub, Cloudflare and Nomad have their credentials from.
   * @default ProviderCredentials.environment()
   */
  readonly providers?: ProviderCredentials;
  /**
   * GitHub Enterprise Server, such as `https://github.example.com`; the Worker and the provider both use it.
   * @default - github.com
   */
  readonly githubServerUrl?: string;
}
