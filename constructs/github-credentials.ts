import { Annotations } from "cdktf";
import type { Construct } from "constructs";
import type { BindingValues, SecretsStoreReference } from "../contracts/bindings";
import { sensitiveVariable } from "./sensitive-variable";

/** The part of the Worker's bindings that a GitHub credential fills. */
export type GithubBindings = Pick<BindingValues, "GITHUB_APP_ID" | "GITHUB_APP_PRIVATE_KEY" | "GITHUB_TOKEN">;

export interface GithubVariableProps {
  /**
   * Id or client id of a GitHub App; the variable then is the App's private key.
   * @default - the variable is a fine-grained personal access token, which serves one owner
   */
  readonly appId?: string;
}

export interface GithubSecretsStoreProps extends SecretsStoreReference {
  /**
   * Id or client id of a GitHub App; the stored secret then is the App's private key.
   * @default - the stored secret is a fine-grained personal access token, which serves one owner
   */
  readonly appId?: string;
}

/**
 * How the Worker comes to the credential with which it registers runners. The choice is the user's, since it decides
 * who can read the credential: {@link GithubCredentials.secretsStore} or {@link GithubCredentials.variable}.
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

  /** Takes the credential from a sensitive Terraform variable, `github_app_private_key` or `github_token`. It then
   *  lies readable in Terraform's state, so synth warns. */
  static variable(props: GithubVariableProps = {}): GithubCredentials {
    return new VariableCredentials(props);
  }

  /** Declares in `scope` what the credential needs, and gives the bindings that carry it. */
  abstract bind(scope: Construct): GithubBindings;
}

class StoredCredentials extends GithubCredentials {
  constructor(private readonly props: GithubSecretsStoreProps) {
    super();
  }

  override bind(): GithubBindings {
    const { appId, storeId, secretName } = this.props;
    return bindings(appId, { storeId, secretName });
  }
}

class VariableCredentials extends GithubCredentials {
  constructor(private readonly props: GithubVariableProps) {
    super();
  }

  override bind(scope: Construct): GithubBindings {
    const { appId } = this.props;
    Annotations.of(scope).addWarning(
      "The GitHub credential will lie readable in Terraform's state. Let nobody read the state who may not register " +
        "runners, or use GithubCredentials.secretsStore.",
    );
    const secret =
      appId === undefined
        ? sensitiveVariable(scope, {
            name: "github_token",
            description:
              "Fine-grained personal access token with Administration (read and write) on the repositories.",
          })
        : sensitiveVariable(scope, {
            name: "github_app_private_key",
            description: "Private key of the GitHub App, PKCS#1 or PKCS#8 PEM.",
          });
    return bindings(appId, secret);
  }
}

function bindings(appId: string | undefined, secret: string | SecretsStoreReference): GithubBindings {
  return appId === undefined
    ? { GITHUB_TOKEN: secret }
    : { GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: secret };
}
