/**
 * The Worker's bindings, declared once: the construct that uploads them, the Worker that reads them and
 * `npm run dev` all take their names and kinds from here, so a missing or misspelt one does not compile.
 */

/** What kind of Cloudflare binding carries the value. `secret` may be a `secret_text` or, where `store` is set, a
 *  Secrets Store binding, which the Worker reads with `get()` on every use. */
export type BindingKind = "d1" | "json" | "text" | "secret";

export interface BindingSpec {
  readonly kind: BindingKind;
  /** Whether the Worker refuses to work without it. */
  readonly required: boolean;
  /** Whether a Secrets Store binding may stand in for the text. */
  readonly store?: true;
}

export const WORKER_BINDINGS = {
  LEDGER: { kind: "d1", required: true },
  RUNNER_POLICY: { kind: "json", required: true },
  GITHUB_WEBHOOK_SECRET: { kind: "secret", required: true },
  GITHUB_WEBHOOK_SECRET_PREVIOUS: { kind: "secret", required: false },
  GITHUB_API_URL: { kind: "text", required: false },
  GITHUB_APP_ID: { kind: "text", required: false },
  GITHUB_APP_PRIVATE_KEY: { kind: "secret", required: false, store: true },
  GITHUB_TOKEN: { kind: "secret", required: false, store: true },
  NOMAD_ADDR: { kind: "text", required: true },
  NOMAD_TOKEN: { kind: "secret", required: true },
  NOMAD_NAMESPACE: { kind: "text", required: false },
  CF_ACCESS_CLIENT_ID: { kind: "secret", required: false },
  CF_ACCESS_CLIENT_SECRET: { kind: "secret", required: false },
  PUBLIC_URL: { kind: "text", required: true },
  CLAIM_KEY: { kind: "secret", required: true },
  CLAIM_KEY_PREVIOUS: { kind: "secret", required: false },
  CREDENTIAL_EXPIRY: { kind: "json", required: false },
  STATUS_TOKEN: { kind: "secret", required: true },
} as const satisfies Record<string, BindingSpec>;

export type BindingName = keyof typeof WORKER_BINDINGS;

/** A Secrets Store binding as the runtime gives it.
 *  @see https://developers.cloudflare.com/secrets-store/integrations/workers/ */
export interface SecretsStoreSecret {
  get(): Promise<string>;
}

type Spec = typeof WORKER_BINDINGS;
type Runtime<K extends BindingName, Database> = Spec[K]["kind"] extends "d1"
  ? Database
  : Spec[K]["kind"] extends "json"
    ? unknown
    : Spec[K] extends { readonly store: true }
      ? string | SecretsStoreSecret
      : string;

/** What the Worker's runtime hands to it, before anything is checked. Every field can be missing: a Worker may be
 *  deployed with fewer bindings than it wants, and says so in `/healthz`. */
export type WorkerEnv<Database> = {
  readonly [K in BindingName]: Runtime<K, Database> | undefined;
};

/** A Secrets Store secret as a construct names it. */
export interface SecretsStoreReference {
  readonly storeId: string;
  readonly secretName: string;
}

type Declared<K extends BindingName> = Spec[K] extends { readonly store: true }
  ? string | SecretsStoreReference
  : string;
type RequiredName = { [K in BindingName]: Spec[K]["required"] extends true ? K : never }[BindingName];

/** What a construct must give to declare the bindings: text and secrets as strings, JSON as its text, D1 as the
 *  database's id. */
export type BindingValues = { readonly [K in RequiredName]: Declared<K> } & {
  readonly [K in Exclude<BindingName, RequiredName>]?: Declared<K> | undefined;
};

/** The required names once more, for the Worker, which needs no more of the declarations; adding a required binding
 *  above without naming it here does not compile. */
export const REQUIRED_BINDINGS = Object.keys({
  LEDGER: 0,
  RUNNER_POLICY: 0,
  GITHUB_WEBHOOK_SECRET: 0,
  NOMAD_ADDR: 0,
  NOMAD_TOKEN: 0,
  PUBLIC_URL: 0,
  CLAIM_KEY: 0,
  STATUS_TOKEN: 0,
} satisfies Record<RequiredName, 0>) as readonly RequiredName[];

/** All names, in the order of declaration. */
export const BINDING_NAMES = /* @__PURE__ */ Object.keys(WORKER_BINDINGS) as readonly BindingName[];

/** The Worker needs a GitHub credential: either `GITHUB_TOKEN`, or both App bindings. */
export const APP_BINDINGS = ["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"] as const;

/** A Worker variable holds at most 5 KB.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#environment-variables */
export const MAX_BINDING_BYTES = 5_000;
