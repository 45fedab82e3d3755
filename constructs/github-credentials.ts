import { Annotations, Token } from "cdktf";
import type { Construct } from "constructs";
import type { BindingValues, SecretsStoreReference } from "../contracts/bindings";
import { KvSecret, type KvSecretReference } from "./kv-secret";
import { severalOwnersProblem } from "./owners";
import { sensitiveVariable } from "./sensitive-variable";

/** Id of a store, name of a secret in it: nothing that Terraform would evaluate. */
const STORED = /^[A-Za-z0-9._-]+$/;

/** The part of the Worker's bindings that a GitHub credential fills. */
export type GithubBindings = Pick<BindingValues, "GITHUB_APP_ID" | "GITHUB_APP_PRIVATE_KEY" | "GITHUB_TOKEN">;

/** A credential from a Terraform variable. */
export interface GithubVariableProps {
  /**
   * Id or client id of a GitHub App; the variable then is the App's private key.
   * @default - the variable is a fine-grained personal access token, which serves one owner
   */
  readonly appId?: string;
}

/** A credential in Cloudflare's Secrets Store. */
export interface GithubSecretsStoreProps extends SecretsStoreReference {
  /**
   * Id or client id of a GitHub App; the stored secret then is the App's private key.
   * @default - the stored secret is a fine-grained personal access token, which serves one owner
   */
  readonly appId?: string;
}

/** A credential in Vault. */
export interface GithubVaultKvProps extends KvSecretReference {
  /**
   * Field of the secret that holds the credential.
   * @default - "github_app_private_key" for an App, else "github_token"
   */
  readonly field?: string;
  /**
   * Id or client id of a GitHub App; the field then is the App's private key, PKCS#1 or PKCS#8 PEM.
   * @default - the field is a fine-grained personal access token, which serves one owner
   */
  readonly appId?: string;
}

/**
 * How the Worker comes to the credential with which it registers runners. The choice is the user's, since it decides
 * who can read the credential: {@link GithubCredentials.secretsStore}, {@link GithubCredentials.vaultKv} or
 * {@link GithubCredentials.variable}.
 */
export abstract class GithubCredentials {
  /**
   * Keeps the credential in Cloudflare's Secrets Store, never in Terraform's state. The provider has no resource for
   * the store: make store and secret once, with `wrangler secrets-store`.
   * @see https://developers.cloudflare.com/secrets-store/integrations/workers/
   */
  static secretsStore(props: GithubSecretsStoreProps): GithubCredentials {
    return new StoredCredentials(props);
  }

  /** Reads the credential from Vault's KV engine, version 2, in each plan. It then lies readable in Terraform's state, so
   *  synth warns. */
  static vaultKv(props: GithubVaultKvProps): GithubCredentials {
    return new VaultKvCredentials(props);
  }

  /** Takes the credential from a sensitive Terraform variable, `github_app_private_key` or `github_token`. It then
   *  lies readable in Terraform's state, so synth warns. */
  static variable(props: GithubVariableProps = {}): GithubCredentials {
    return new VariableCredentials(props);
  }

  constructor(protected readonly appId: string | undefined) {}

  /** Declares in `scope` what the credential needs, and gives the bindings that carry it. */
  abstract bind(scope: Construct): GithubBindings;

  /** What keeps the credential from registering runners for `owners`, one sentence each. */
  problems(owners: readonly string[]): string[] {
    return this.appId === undefined ? severalOwnersProblem("github", "appId", owners) : [];
  }
}

class StoredCredentials extends GithubCredentials {
  constructor(private readonly props: GithubSecretsStoreProps) {
    super(props.appId);
  }

  override problems(owners: readonly string[]): string[] {
    const { storeId, secretName } = this.props;
    const found = super.problems(owners);
    for (const [at, value] of Object.entries({ storeId, secretName })) {
      if (Token.isUnresolved(value) || STORED.test(value)) continue;
      found.push(
        `github.${at}: must be letters, digits, ., - and _, got "${value}"; \`wrangler secrets-store\` shows it`,
      );
    }
    return found;
  }

  override bind(): GithubBindings {
    const { storeId, secretName } = this.props;
    return bindings(this.appId, { storeId, secretName });
  }
}

class VaultKvCredentials extends GithubCredentials {
  constructor(private readonly props: GithubVaultKvProps) {
    super(props.appId);
  }

  override bind(scope: Construct): GithubBindings {
    const { mount, name } = this.props;
    const field = this.props.field ?? (this.appId === undefined ? "github_token" : "github_app_private_key");
    const secret = new KvSecret(scope, "GithubCredential", {
      mount,
      name,
      fields: [{ name: field }],
      what: "The GitHub credential",
      instead: "use GithubCredentials.secretsStore",
    });
    return bindings(this.appId, secret.field(field));
  }
}

class VariableCredentials extends GithubCredentials {
  constructor(props: GithubVariableProps) {
    super(props.appId);
  }

  override bind(scope: Construct): GithubBindings {
    Annotations.of(scope).addWarning(
      "The GitHub credential will lie readable in Terraform's state. Let nobody read the state who may not register " +
        "runners, or use GithubCredentials.secretsStore.",
    );
    const secret =
      this.appId === undefined
        ? sensitiveVariable(scope, {
            name: "github_token",
            description:
              "Fine-grained personal access token with Administration (read and write) on the repositories.",
          })
        : sensitiveVariable(scope, {
            name: "github_app_private_key",
            description: "Private key of the GitHub App, PKCS#1 or PKCS#8 PEM.",
          });
    return bindings(this.appId, secret);
  }
}

function bindings(appId: string | undefined, secret: string | SecretsStoreReference): GithubBindings {
  return appId === undefined
    ? { GITHUB_TOKEN: secret }
    : { GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: secret };
}
