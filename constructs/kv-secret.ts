import { DataVaultKvSecretV2 } from "@cdktf/provider-vault/lib/data-vault-kv-secret-v2";
import { Annotations, type Postcondition } from "cdktf";
import { Construct } from "constructs";
import type { WordedPattern } from "../contracts/patterns";
import { literalText } from "./literal-text";

/** A secret in Vault's KV engine, version 2. */
export interface KvSecretReference {
  /** Path of the engine, such as `kv`. */
  readonly mount: string;
  /** Path of the secret in it, without `data/`: `github-runners/worker` is read from `kv/data/github-runners/worker`. */
  readonly name: string;
}

/** A field that the secret has to have. */
export interface KvField {
  readonly name: string;
  /**
   * Whether it is a private key that has to be PKCS#1.
   * @default false
   */
  readonly pkcs1?: boolean;
}

/** Which secret, what has to be in it, and how to speak of it. */
export interface KvSecretProps extends KvSecretReference {
  /** The fields that are read; a missing or empty one fails the plan. */
  readonly fields: readonly KvField[];
  /** What it is, to begin the warning with. */
  readonly what: string;
  /** What would keep it out of the state, for the end of the warning. */
  readonly instead: string;
}

/** What may stand in a path: nothing that a template, an expression or a URL would read otherwise. */
const PATH: WordedPattern = {
  pattern: /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/,
  words: "letters, digits, ., - and _ in parts joined by /, with none at either end",
};
const FIELD: WordedPattern = { pattern: /^[A-Za-z0-9._-]+$/, words: "letters, digits, ., - and _" };

/**
 * Reads a secret from Vault while planning. What is read lies in Terraform's state, and synth warns of it: only an
 * ephemeral resource would not, and these constructs cannot declare one. For that reason the provider calls this data
 * source deprecated in each plan.
 * @see https://registry.terraform.io/providers/hashicorp/vault/5.6.0/docs/data-sources/kv_secret_v2
 */
export class KvSecret extends Construct {
  readonly #source: DataVaultKvSecretV2;

  constructor(scope: Construct, id: string, props: KvSecretProps) {
    super(scope, id);
    const { mount, name, fields } = props;
    // No dependency: a data source that waits for a resource is unknown in a plan, and then so is what reads it.
    this.#source = new DataVaultKvSecretV2(this, "Resource", {
      mount: literalText(mount),
      name: literalText(name),
      lifecycle: { postcondition: fields.flatMap((field) => conditions(field, `${mount}/${name}`)) },
    });
    this.node.addValidation({ validate: () => problems(props) });
    Annotations.of(this).addWarning(
      `${props.what}, read from Vault's ${mount}/${name}, will lie readable in Terraform's state. With the Consul ` +
        'backend, give a rule such as key_prefix "<path of the state>" { policy = "read" } to nobody but whoever ' +
        `deploys, or ${props.instead}.`,
    );
  }

  /** A field's value. */
  field(name: string): string {
    return this.#source.data.lookup(name);
  }
}

/** Left out or empty, a provider would take what it finds elsewhere, or ask as nobody. */
function conditions({ name, pkcs1 = false }: KvField, path: string): Postcondition[] {
  const value = `lookup(self.data, "${name}", "")`;
  const found = [
    {
      condition: `\${${value} != ""}`,
      errorMessage: `The Vault secret ${path} must have the field ${name}. Write it with: vault kv patch`,
    },
  ];
  if (pkcs1) {
    found.push({
      // As the provider reads it: it makes line ends of the two characters \n.
      condition: `\${startswith(trimspace(${value}), "-----BEGIN RSA PRIVATE KEY-----")}`,
      errorMessage:
        `The field ${name} of the Vault secret ${path} must be a PKCS#1 key (BEGIN RSA PRIVATE KEY). ` +
        "Convert it with: openssl rsa -traditional",
    });
  }
  return found;
}

function problems({ mount, name, fields }: KvSecretProps): string[] {
  const found: string[] = [];
  const check = (prop: string, { pattern, words }: WordedPattern, value: string): void => {
    if (!pattern.test(value)) found.push(`${prop}: must be ${words}, got "${value}"; correct it`);
  };
  check("mount", PATH, mount);
  check("name", PATH, name);
  for (const field of fields) check("field", FIELD, field.name);
  return found;
}
