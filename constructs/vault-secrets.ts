import { JwtAuthBackend } from "@cdktf/provider-vault/lib/jwt-auth-backend";
import { JwtAuthBackendRole } from "@cdktf/provider-vault/lib/jwt-auth-backend-role";
import { KvSecretV2 } from "@cdktf/provider-vault/lib/kv-secret-v2";
import { Policy } from "@cdktf/provider-vault/lib/policy";
import { Fn, type ITerraformDependable, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { literalText } from "./literal-text";
import {
  type ResolvedVaultSecrets,
  type VaultSecretsProps,
  resolveVaultSecrets,
  vaultSecretsProblems,
} from "./vault-secrets-props";

export type { VaultSecretsProps } from "./vault-secrets-props";

/** Seconds that a task's token lives unless Nomad's client renews it, which it does for as long as the task runs. */
const TOKEN_PERIOD_SECONDS = 1_800;

/**
 * A secret in Vault (or OpenBao) that one Nomad job may read, and nobody else by what is made here: the KV secret, a
 * policy for its path, and a role by which the job's workload identity logs in. No credential reaches Nomad.
 *
 * What a plan does not see: the provider reads the values from its state, so one that was changed in Vault stays.
 *
 * A task reads it with `vault { role = … }` and `{{ with secret "<dataPath>" }}{{ .Data.data.<field> }}{{ end }}`.
 */
export class VaultSecrets extends Construct {
  /** Name of the role, for the task's `vault` block. */
  readonly role: string;
  /** API path of the secret, for a template's `secret`: the mount, `data`, the name. */
  readonly dataPath: string;
  /** Audience that the task's workload identity must have. */
  readonly audience: string;
  /** What has to stand before the job can read the secret. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: VaultSecretsProps) {
    super(scope, id);
    const secrets = resolveVaultSecrets(props);
    this.role = secrets.roleName;
    this.dataPath = `${secrets.kvMount}/data/${secrets.kvName}`;
    this.audience = secrets.audience;

    // `data_json` and not the write-only `data_json_wo`: a write-only value has no difference to show, so a changed
    // secret is written only when somebody raises its version as well. It would keep the value out of this resource's
    // state, not out of the state: the resource that it comes from has it there.
    const secret = new KvSecretV2(this, "Resource", {
      mount: secrets.kvMount,
      name: secrets.kvName,
      dataJson: Fn.jsonencode(this.#values(secrets.values)),
      // Otherwise destroy marks the newest version as deleted and leaves all of them readable to who may undelete.
      deleteAllVersions: true,
    });
    const policy = new Policy(this, "Policy", {
      name: secrets.roleName,
      // Version 2 of the engine reads below `data/`; a policy for the path as a user sees it gives nothing.
      policy: `path "${this.dataPath}" {\n  capabilities = ["read"]\n}\n`,
    });
    const role = this.#role(secrets, policy);
    this.ready = [secret, policy, role];
    this.node.addValidation({ validate: () => vaultSecretsProblems(secrets) });
  }

  #role(secrets: ResolvedVaultSecrets, policy: Policy): JwtAuthBackendRole {
    return new JwtAuthBackendRole(this, "Role", {
      backend: this.#backend(secrets),
      roleName: secrets.roleName,
      roleType: "jwt",
      boundAudiences: [literalText(secrets.audience)],
      // Both: the same job id may exist in every namespace, and whoever may submit jobs there would be let in.
      boundClaims: {
        nomad_namespace: literalText(secrets.nomadNamespace),
        nomad_job_id: literalText(secrets.nomadJobId),
      },
      // A JSON pointer, with the slash: that is how Nomad's own set-up names it.
      userClaim: "/nomad_job_id",
      userClaimJsonPointer: true,
      claimMappings: {
        nomad_namespace: "nomad_namespace",
        nomad_job_id: "nomad_job_id",
        nomad_task: "nomad_task",
      },
      tokenType: "service",
      tokenPolicies: [policy.name],
      // Periodic and without an end of its own: a connector runs for months.
      tokenPeriod: TOKEN_PERIOD_SECONDS,
      tokenExplicitMaxTtl: 0,
    });
  }

  /** Path of the auth method. It belongs to Nomad as a whole, so it is made only when asked for. */
  #backend({ jwtAuthPath, jwksUrl }: ResolvedVaultSecrets): string {
    if (jwksUrl === undefined) return jwtAuthPath;
    return new JwtAuthBackend(this, "AuthMethod", {
      path: jwtAuthPath,
      type: "jwt",
      description: "Workload identities of Nomad",
      jwksUrl: literalText(jwksUrl),
      // RS256 signs since Nomad 1.7, EdDSA before it.
      jwtSupportedAlgs: ["RS256", "EdDSA"],
    }).path;
  }

  /** The values as one expression. A local, because within a function's argument cdktf escapes neither quotes nor
   *  backslashes nor `%{`. */
  #values(values: Readonly<Record<string, string>>): unknown {
    const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
    const literal = sorted.map(([field, value]) => [field, literalText(value)] as const);
    return new TerraformLocal(this, "Values", Object.fromEntries(literal)).expression;
  }
}
