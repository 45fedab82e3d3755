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
  /** One line for the generated reference. */
  readonly doc: string;
}

export const WORKER_BINDINGS = {
  LEDGER: { kind: "d1", required: true, doc: "The ledger: jobs waiting and runners on the way." },
  RUNNER_POLICY: {
    kind: "json",
    required: true,
    doc: "Which repositories get runners, and the runner classes (see contracts/policy.ts).",
  },
  GITHUB_WEBHOOK_SECRET: {
    kind: "secret",
    required: true,
    doc: "HMAC-SHA256 key shared with GitHub's webhooks.",
  },
  GITHUB_WEBHOOK_SECRET_PREVIOUS: {
    kind: "secret",
    required: false,
    doc: "The key before the current one, accepted while hooks are being changed.",
  },
  GITHUB_API_URL: {
    kind: "text",
    required: false,
    doc: "Base of GitHub's REST API; default https://api.github.com, on GHES https://HOST/api/v3.",
  },
  GITHUB_APP_ID: {
    kind: "text",
    required: false,
    doc: "GitHub App id or client id; with GITHUB_APP_PRIVATE_KEY.",
  },
  GITHUB_APP_PRIVATE_KEY: {
    kind: "secret",
    required: false,
    store: true,
    doc: "The App's private key, PKCS#1 or PKCS#8 PEM.",
  },
  GITHUB_TOKEN: {
    kind: "secret",
    required: false,
    store: true,
    doc: "A fine-grained personal access token instead of an App; it serves one owner.",
  },
  NOMAD_ADDR: { kind: "text", required: true, doc: "Origin of the Nomad API behind Access and the tunnel." },
  NOMAD_TOKEN: { kind: "secret", required: true, doc: "Nomad ACL token that may only dispatch." },
  NOMAD_NAMESPACE: {
    kind: "text",
    required: false,
    doc: 'Nomad namespace of the runner jobs; default "default".',
  },
  CF_ACCESS_CLIENT_ID: {
    kind: "secret",
    required: false,
    doc: "Access service token, sent on every Nomad call; both halves or neither.",
  },
  CF_ACCESS_CLIENT_SECRET: { kind: "secret", required: false, doc: "The service token's other half." },
  PUBLIC_URL: {
    kind: "text",
    required: true,
    doc: "Origin by which GitHub and runners reach the Worker; claim URLs and the stack id are made from it.",
  },
  CLAIM_KEY: { kind: "secret", required: true, doc: "HMAC-SHA256 key of claims." },
  CLAIM_KEY_PREVIOUS: {
    kind: "secret",
    required: false,
    doc: "The key before the current one, accepted while it is rotated.",
  },
  CREDENTIAL_EXPIRY: {
    kind: "json",
    required: false,
    doc: 'When credentials end: {"access":"2027-01-01T00:00:00Z","nomad":null}; shown by /status and /metrics.',
  },
  STATUS_TOKEN: { kind: "secret", required: true, doc: "Bearer token for /status and /metrics." },
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

/** All names, in the order of declaration. */
export const BINDING_NAMES = Object.keys(WORKER_BINDINGS) as readonly BindingName[];

/** The Worker needs a GitHub credential: either `GITHUB_TOKEN`, or both App bindings. */
export const APP_BINDINGS = ["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"] as const;

/** A Worker variable holds at most 5 KB.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#environment-variables */
export const MAX_BINDING_BYTES = 5_000;
