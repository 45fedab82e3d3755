import { CloudflareProvider } from "@cdktf/provider-cloudflare/lib/provider";
import { GithubProvider } from "@cdktf/provider-github/lib/provider";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { RandomProvider } from "@cdktf/provider-random/lib/provider";
import { VaultProvider } from "@cdktf/provider-vault/lib/provider";
import { ConsulBackend, TerraformOutput, type TerraformProvider, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { OnDemandRunners } from "./on-demand-runners";
import { distinctOwners } from "./owners";
import {
  type BoundProviderCredentials,
  ProviderCredentials,
  environmentProblems,
} from "./provider-credentials";
import type { RunnersStackProps } from "./runners-stack-props";
import { scopesOf } from "./stack-scopes";
import { missingVaultProblems, stackSettingsProblems } from "./stack-settings-checks";

/**
 * {@link OnDemandRunners} as a whole stack: with providers, a Consul backend and outputs.
 *
 * Providers and backend take their credentials from the environment, unless {@link ProviderCredentials} says otherwise:
 * `CLOUDFLARE_API_TOKEN`, `GITHUB_TOKEN`, `NOMAD_TOKEN`, `VAULT_TOKEN`. Consul's token comes from `CONSUL_HTTP_TOKEN`
 * alone. None of them is in the synthesized JSON.
 */
export class RunnersStack extends TerraformStack {
  /** What the stack is made of. */
  readonly runners: OnDemandRunners;

  constructor(scope: Construct, id: string, props: RunnersStackProps) {
    super(scope, id);
    new ConsulBackend(this, {
      address: props.consul.address,
      scheme: props.consul.scheme ?? "https",
      path: props.consul.path,
      lock: true,
      // A value in Consul holds 512 KB at most.
      gzip: true,
      // The type wants a token, and the token would lie readable in the synthesized JSON. Left out, Terraform takes
      // CONSUL_HTTP_TOKEN.
      accessToken: undefined as unknown as string,
    });
    const selections = scopesOf(props).flatMap((one) => one.selections);
    const owners = distinctOwners(selections.flatMap((selection) => selection.owners));
    const { providers = ProviderCredentials.environment(), githubServerUrl, worker } = props;
    const credentials = this.#providers(props, providers);
    const github = this.#githubProviders(props, owners, credentials);
    this.node.addValidation({
      validate: () => [
        ...stackSettingsProblems(props),
        ...missingVaultProblems(props, this),
        ...providers.problems(owners),
        ...environmentProblems(process.env, owners, {
          ...(githubServerUrl !== undefined && { githubBaseUrl: githubServerUrl }),
        }),
      ],
    });
    this.runners = new OnDemandRunners(this, "Runners", {
      ...props,
      githubProvider: (owner) => github.get(owner.toLowerCase()),
      worker: {
        ...(githubServerUrl !== undefined && { githubApiUrl: `${origin(githubServerUrl)}/api/v3` }),
        ...worker,
      },
    });
    this.#outputs();
  }

  #providers({ nomad, vault }: RunnersStackProps, providers: ProviderCredentials): BoundProviderCredentials {
    if (vault !== undefined) {
      new VaultProvider(this, "Vault", {
        address: vault.address,
        ...(vault.maxLeaseTtlSeconds !== undefined && { maxLeaseTtlSeconds: vault.maxLeaseTtlSeconds }),
      });
    }
    new RandomProvider(this, "Random");
    const credentials = providers.bind(this);
    new CloudflareProvider(this, "Cloudflare", { ...credentials.cloudflare });
    // It takes each failed look-up whose text holds "404" for "is gone", an address with port 4040 that does not answer
    // included, and plans to make anew what it could not see. Look before you apply such a plan: a token that is forgotten
    // so stays valid.
    new NomadProvider(this, "Nomad", { address: nomad.apiAddress, ...credentials.nomad });
    return credentials;
  }

  /** One for each owner: a provider makes hooks at its own owner's repositories only. */
  #githubProviders(
    props: RunnersStackProps,
    owners: readonly string[],
    credentials: BoundProviderCredentials,
  ): ReadonlyMap<string, TerraformProvider> {
    const scope = new Construct(this, "Github");
    return new Map(
      owners.map((owner) => [
        owner.toLowerCase(),
        new GithubProvider(scope, owner, {
          alias: aliasOf(owner),
          ...credentials.github(owner),
          ...(props.githubServerUrl !== undefined && { baseUrl: `${origin(props.githubServerUrl)}/` }),
        }),
      ]),
    );
  }

  #outputs(): void {
    const { worker, nomadAddress, statusToken } = this.runners;
    new TerraformOutput(this, "webhook_url", {
      value: worker.webhookUrl,
      description: "Payload URL of GitHub's webhooks, which this stack makes.",
    });
    new TerraformOutput(this, "status_url", {
      value: `${worker.publicUrl}/status`,
      description: "What waits, what runs and what is wrong; takes the status token as bearer.",
    });
    new TerraformOutput(this, "status_token", {
      value: statusToken,
      description: "Bearer token for /status, /metrics and /pauses.",
      sensitive: true,
    });
    new TerraformOutput(this, "nomad_address", {
      value: nomadAddress,
      description: "Where the Worker reaches Nomad.",
    });
  }
}

/** A provider's alias must not begin with a digit, as a login may. */
function aliasOf(owner: string): string {
  return `owner_${owner.toLowerCase()}`;
}

function origin(url: string): string {
  return url.replace(/\/+$/, "");
}
