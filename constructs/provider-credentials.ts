import type { CloudflareProviderConfig } from "@cdktf/provider-cloudflare/lib/provider";
import type { GithubProviderAppAuth, GithubProviderConfig } from "@cdktf/provider-github/lib/provider";
import type { NomadProviderConfig } from "@cdktf/provider-nomad/lib/provider";
import { Lazy } from "cdktf";
import type { Construct } from "constructs";
import { KvSecret, type KvSecretReference } from "./kv-secret";
import { distinctOwners, severalOwnersProblem } from "./owners";

export { environmentProblems } from "./provider-environment";

/** The GitHub App that makes the webhooks: with one installation for each owner, it serves several. */
export interface GithubAppInstallations {
  /** Id of the App. */
  readonly appId: string;
  /** Id of the App's installation by the owner's login, such as `{ "octo-org": "12345678" }`: the number at the end of
   *  the address of an installation's settings page. */
  readonly installations: Readonly<Record<string, string>>;
}

/** Credentials from the environment. */
export interface EnvironmentCredentialsProps {
  /**
   * Makes the webhooks as a GitHub App, whose private key is in `GITHUB_APP_PEM_FILE`.
   * @default - with the personal access token in `GITHUB_TOKEN`, which serves one owner
   */
  readonly githubApp?: GithubAppInstallations;
}

/** Credentials from one secret in Vault. */
export interface VaultKvCredentialsProps extends KvSecretReference {
  /**
   * Makes the webhooks as a GitHub App, whose private key is the field `github_app_pem`.
   * @default - with the personal access token in the field `github_token`, which serves one owner
   */
  readonly githubApp?: GithubAppInstallations;
}

/** The providers' arguments that carry credentials. What is not among them a provider takes from its environment. */
export interface BoundProviderCredentials {
  /** Of the provider of one owner's repositories. */
  github(owner: string): Pick<GithubProviderConfig, "owner" | "token" | "appAuth">;
  /** Of the Cloudflare provider. */
  readonly cloudflare: Pick<CloudflareProviderConfig, "apiToken">;
  /** Of the Nomad provider. */
  readonly nomad: Pick<NomadProviderConfig, "secretId" | "ignoreEnvVars">;
}

/**
 * Where the providers of GitHub, Cloudflare and Nomad have their credentials from. Vault's own comes from `VAULT_TOKEN`
 * or `~/.vault-token` always. The choice decides who can read them: {@link ProviderCredentials.environment} leaves
 * nothing in Terraform's state.
 */
export abstract class ProviderCredentials {
  /**
   * From the environment of whoever deploys, read by the providers themselves: `CLOUDFLARE_API_TOKEN`, `NOMAD_TOKEN`, and
   * `GITHUB_TOKEN` or, for an App, `GITHUB_APP_PEM_FILE`: the text of its private key, not the path, as PKCS#1 (`BEGIN
   * RSA PRIVATE KEY`, as GitHub hands it out). Without `GITHUB_TOKEN` the provider takes what `gh auth token` says, and
   * without that it asks GitHub as nobody.
   */
  static environment(props: EnvironmentCredentialsProps = {}): ProviderCredentials {
    return new EnvironmentCredentials(props.githubApp);
  }

  /**
   * From one secret in Vault's KV engine, version 2, read in each plan, `destroy` included. Its fields:
   * `cloudflare_api_token`, `nomad_token`, and `github_token` or, for an App, `github_app_pem` (PKCS#1, as GitHub hands
   * it out). They then lie readable in Terraform's state, so synth warns. Not for plans of pull requests: they would read
   * the credentials of the deploy.
   */
  static vaultKv(props: VaultKvCredentialsProps): ProviderCredentials {
    return new VaultKvCredentials(props);
  }

  constructor(protected readonly githubApp: GithubAppInstallations | undefined) {}

  /** Declares in `scope` what the credentials need, once, and gives the providers' arguments. */
  abstract bind(scope: Construct): BoundProviderCredentials;

  /** What keeps these credentials from making webhooks for `owners`, one sentence each. */
  problems(owners: readonly string[]): string[] {
    if (this.githubApp === undefined) return severalOwnersProblem("providers", "githubApp", owners);
    return appProblems(this.githubApp, owners);
  }

  /** The App's arguments for one owner; none where {@link problems} says why. */
  protected appAuth(owner: string, pemFile: string | undefined): { appAuth?: GithubProviderAppAuth } {
    const installationId = this.githubApp && installationOf(this.githubApp, owner);
    if (this.githubApp === undefined || installationId === undefined) return {};
    // The type wants the key; the provider takes it from GITHUB_APP_PEM_FILE where it is left out.
    return { appAuth: { id: this.githubApp.appId, installationId, pemFile: pemFile as string } };
  }
}

/** Inside a Nomad job, such as a runner, these two are set and would decide where Terraform acts. Lazy, because cdktf
 *  writes the keys of a provider's map in lower case, which ignores nothing. */
const IGNORED_NOMAD_VARIABLES = {
  ignoreEnvVars: Lazy.anyValue({
    produce: () => ({ NOMAD_NAMESPACE: true, NOMAD_REGION: true }),
  }) as unknown as Record<string, boolean>,
};

class EnvironmentCredentials extends ProviderCredentials {
  override bind(): BoundProviderCredentials {
    return {
      github: (owner) => ({ owner, ...this.appAuth(owner, undefined) }),
      cloudflare: {},
      nomad: IGNORED_NOMAD_VARIABLES,
    };
  }
}

class VaultKvCredentials extends ProviderCredentials {
  constructor(private readonly props: VaultKvCredentialsProps) {
    super(props.githubApp);
  }

  override bind(scope: Construct): BoundProviderCredentials {
    const { mount, name, githubApp } = this.props;
    const github = githubApp === undefined ? "github_token" : "github_app_pem";
    const secret = new KvSecret(scope, "ProviderCredentials", {
      mount,
      name,
      fields: [
        { name: github, pkcs1: githubApp !== undefined },
        { name: "cloudflare_api_token" },
        { name: "nomad_token" },
      ],
      what: "The credentials of the providers",
      instead: "use ProviderCredentials.environment",
    });
    return {
      github: (owner) => ({
        owner,
        ...(githubApp === undefined
          ? { token: secret.field(github) }
          : this.appAuth(owner, secret.field(github))),
      }),
      cloudflare: { apiToken: secret.field("cloudflare_api_token") },
      nomad: { ...IGNORED_NOMAD_VARIABLES, secretId: secret.field("nomad_token") },
    };
  }
}

/** Logins are the same in any case. */
function installationOf({ installations }: GithubAppInstallations, owner: string): string | undefined {
  return Object.entries(installations).find(([login]) => login.toLowerCase() === owner.toLowerCase())?.[1];
}

const APP_ID = /^[A-Za-z0-9.]+$/;
const INSTALLATION_ID = /^\d+$/;

function appProblems(app: GithubAppInstallations, owners: readonly string[]): string[] {
  const found: string[] = [];
  if (!APP_ID.test(app.appId)) {
    found.push(
      `githubApp.appId: must be the id of a GitHub App, got "${app.appId}"; take it from its settings page`,
    );
  }
  const logins = Object.keys(app.installations);
  if (distinctOwners(logins).length < logins.length) {
    found.push(
      `githubApp.installations: must name each owner once, whatever the case, got "${logins.join('", "')}"; ` +
        "leave one out",
    );
  }
  for (const [login, id] of Object.entries(app.installations)) {
    if (INSTALLATION_ID.test(id)) continue;
    found.push(
      `githubApp.installations: must be numbers, got "${id}" for ${login}; take it from the address of the ` +
        "installation's settings page",
    );
  }
  for (const owner of distinctOwners(owners)) {
    if (installationOf(app, owner) !== undefined) continue;
    found.push(
      `githubApp.installations: must name each owner whose repositories get webhooks, got none for ${owner}; ` +
        `install the App there and add ${JSON.stringify(owner)}: "<installation id>"`,
    );
  }
  return found;
}
