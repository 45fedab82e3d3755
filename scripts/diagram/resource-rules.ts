import { type StackResource, textAt } from "./stack";

/** What a resource says about the element it makes. */
export interface Draft {
  /** Short name, the beginning of the element's id. */
  readonly base: string;
  readonly name: string;
  readonly technology: string;
  readonly description: string;
  readonly isStore?: boolean;
}

/** A system that the stack does not make, but makes things in. */
export type SystemId = "github" | "nomad" | "vault" | "state";
/** Where containers run. */
export type NodeId = "cloudflare" | "nomad-cluster";

/** What a resource stands for in the model. */
export type ResourceRule =
  /** A container of its own. */
  | { readonly kind: "container"; readonly node: NodeId; readonly draft: (resource: StackResource) => Draft }
  /** Belongs to the container that the nearest resource of these types makes; the first type that is there. */
  | { readonly kind: "part"; readonly of: readonly string[] }
  /** Belongs to what the nearest resource of another type stands for: it is there for that one alone. */
  | { readonly kind: "companion" }
  /** Something in a system outside. */
  | { readonly kind: "system"; readonly system: SystemId }
  /** A part of a node, such as the account's zone. */
  | { readonly kind: "node"; readonly node: NodeId }
  /** A node of its own in the Nomad cluster. */
  | { readonly kind: "namespace" };

const container = (node: NodeId, draft: Draft): ResourceRule => ({
  kind: "container",
  node,
  draft: () => draft,
});
const part = (...of: readonly string[]): ResourceRule => ({ kind: "part", of });
const system = (id: SystemId): ResourceRule => ({ kind: "system", system: id });

const SCRIPT = "cloudflare_workers_script";
const TUNNEL = "cloudflare_zero_trust_tunnel_cloudflared";
const ACCESS = "cloudflare_zero_trust_access_application";

/** By type; a data source has the rule of its type's name. */
const RULES: Readonly<Record<string, ResourceRule>> = {
  [SCRIPT]: container("cloudflare", {
    base: "worker",
    name: "Worker",
    technology: "TypeScript, workerd",
    description: "webhook, claims, sweep, status",
  }),
  cloudflare_workers_custom_domain: part(SCRIPT),
  cloudflare_workers_cron_trigger: part(SCRIPT),
  cloudflare_d1_database: container("cloudflare", {
    base: "ledger",
    name: "Ledger",
    technology: "D1, SQLite",
    description: "jobs and runners",
    isStore: true,
  }),
  [ACCESS]: container("cloudflare", {
    base: "access",
    name: "Access application",
    technology: "Cloudflare Access",
    description: "lets one service token through",
  }),
  cloudflare_zero_trust_access_policy: part(ACCESS),
  cloudflare_zero_trust_access_service_token: part(ACCESS),
  [TUNNEL]: container("cloudflare", {
    base: "tunnel",
    name: "Tunnel",
    technology: "Cloudflare Tunnel",
    description: "dispatch paths only",
  }),
  [`${TUNNEL}_config`]: part(TUNNEL),
  [`${TUNNEL}_token`]: part(TUNNEL),
  cloudflare_dns_record: part(TUNNEL),
  cloudflare_zone: { kind: "node", node: "cloudflare" },

  github_repository_webhook: system("github"),
  github_organization_webhook: system("github"),
  github_repository: system("github"),
  github_repositories: system("github"),
  github_organization: system("github"),
  github_actions_runner_group: system("github"),

  nomad_job: { kind: "container", node: "nomad-cluster", draft: jobDraft },
  nomad_namespace: { kind: "namespace" },
  nomad_acl_policy: system("nomad"),
  nomad_acl_token: system("nomad"),

  vault_mount: system("vault"),
  vault_kv_secret_v2: system("vault"),
  vault_policy: system("vault"),
  vault_jwt_auth_backend: system("vault"),
  vault_jwt_auth_backend_role: system("vault"),

  // What only Terraform keeps, it keeps in its state.
  random_password: system("state"),
  terraform_data: { kind: "companion" },
};

/** A job by the file of jobs/ that it is read from: the type alone does not say what runs. */
const JOBSPECS: Readonly<Record<string, (name: string) => Draft>> = {
  "runner.nomad.hcl": (name) => ({
    base: name,
    name: `Runner: ${name}`,
    technology: "parameterized batch job, one allocation per workflow job",
    description: "start-runner.sh, one job, then gone",
  }),
  "pre-pull.nomad.hcl": (name) => ({
    base: name,
    name: `Pre-pull: ${name}`,
    technology: "periodic sysbatch job, one allocation per node",
    description: "keeps a class's images on its nodes",
  }),
  "connector.nomad.hcl": (name) => ({
    base: "connector",
    name: "Connector",
    technology: "cloudflared, service job",
    description: `${name}, dials out`,
  }),
};

/** File name of a job's specification, such as `runner.nomad.hcl`. */
export function jobspecOf(job: StackResource): string {
  return /([^/"]+)"\)\}$/.exec(textAt(job.body, "jobspec") ?? "")?.[1] ?? "";
}

/** Id of a Nomad job in Nomad. */
export function jobIdOf(job: StackResource): string {
  return textAt(job.body, "hcl2", "vars", "name") ?? job.path;
}

function jobDraft(job: StackResource): Draft {
  const draft = JOBSPECS[jobspecOf(job)];
  if (draft !== undefined) return draft(jobIdOf(job));
  throw new Error(
    `${job.address}: the job's file must be one of ${Object.keys(JOBSPECS).join(", ")}, got "${jobspecOf(job)}"; ` +
      "add what runs in it to JOBSPECS in scripts/diagram/resource-rules.ts.",
  );
}

/** @throws when no rule knows the type */
export function ruleOf({ type, address }: StackResource): ResourceRule {
  const rule = RULES[type];
  if (rule !== undefined) return rule;
  throw new Error(
    `${address}: no rule says what a ${type} stands for; add one to RULES in scripts/diagram/resource-rules.ts.`,
  );
}
