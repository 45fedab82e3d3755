import { type RunnerClass } from "../../contracts/policy";
import type { BindingName } from "../../contracts/bindings";
import type { Elements } from "./elements";
import type { Relationship } from "./model";
import { type Reference, namesIn, targets } from "./references";
import { jobIdOf, jobspecOf } from "./resource-rules";
import {
  type JsonObject,
  type StackResource,
  type SynthesizedStack,
  listOf,
  objectOf,
  textAt,
} from "./stack";

/** What the rules read, and the elements they may add to. */
export interface RuleContext {
  readonly stack: SynthesizedStack;
  readonly elements: Elements;
  readonly references: readonly Reference[];
}

/** What runs and who speaks to whom, as far as data of the stack says it: no edge is drawn without a `because`. */
export function runtimeRelationships(context: RuleContext): readonly Relationship[] {
  return [
    ...of(context, "cloudflare_workers_script").flatMap((script) => workerRelationships(context, script)),
    ...of(context, "github_repository_webhook", "github_organization_webhook").flatMap((hook) =>
      deliveries(context, hook),
    ),
    ...of(context, "cloudflare_zero_trust_access_application").flatMap((app) => admissions(context, app)),
    ...of(context, "cloudflare_zero_trust_tunnel_cloudflared").flatMap((tunnel) => dialsOut(context, tunnel)),
    ...of(context, "cloudflare_zero_trust_tunnel_cloudflared_config").flatMap((config) =>
      forwards(context, config),
    ),
    ...of(context, "nomad_job").flatMap((job) => [...runs(context, job), ...readsSecret(context, job)]),
  ];
}

const of = ({ stack }: RuleContext, ...types: readonly string[]): readonly StackResource[] =>
  [...stack.resources.values()].filter(({ type }) => types.includes(type));

const at = "run";

type Bindings = ReadonlyMap<string, JsonObject>;

function workerRelationships(context: RuleContext, script: StackResource): readonly Relationship[] {
  const { elements } = context;
  const worker = elements.of(script.address);
  const bindings: Bindings = new Map(
    listOf(script.body["bindings"]).map((binding) => [textAt(binding, "name") ?? "", objectOf(binding)]),
  );
  const because = (name: BindingName): readonly string[] => [`binding ${name} of ${script.address}`];
  const found: Relationship[] = [];
  if (bindings.has("NOMAD_ADDR")) {
    const label = bindings.has("CF_ACCESS_CLIENT_ID")
      ? "POST /v1/job/ID/dispatch, with the service token"
      : "POST /v1/job/ID/dispatch";
    const to = entry(context, textAt(bindings.get("NOMAD_ADDR"), "text") ?? "");
    found.push({ from: worker, to, at, label, technology: "HTTPS", because: because("NOMAD_ADDR") });
  }
  for (const name of ["GITHUB_APP_ID", "GITHUB_TOKEN"] as const) {
    if (!bindings.has(name)) continue;
    const label = "JIT configs, runners, runs";
    const to = elements.outside("github");
    found.push({ from: worker, to, at, label, technology: "REST, HTTPS", because: because(name) });
  }
  if (bindings.has("STATUS_TOKEN")) {
    const from = elements.outside("operator");
    const label = "reads /status and /metrics";
    found.push({ from, to: worker, at, label, technology: "HTTPS", because: because("STATUS_TOKEN") });
  }
  return [
    ...found,
    ...stores(context, worker, bindings, script),
    ...claims(context, worker, bindings, because("RUNNER_POLICY")),
  ];
}

/** The bindings that stand for something that keeps data, by their type. */
function stores(
  { stack, elements }: RuleContext,
  worker: string,
  bindings: Bindings,
  script: StackResource,
): readonly Relationship[] {
  return [...bindings].flatMap(([name, binding]) => {
    const because = [`binding ${name} of ${script.address}`];
    const type = textAt(binding, "type");
    if (type === "secrets_store_secret") {
      const label = "reads the secret at each use";
      return [{ from: worker, to: elements.outside("secrets-store"), at, label, because }];
    }
    if (type !== "d1") return [];
    return [...targets(stack, binding)].map((address) => ({
      from: worker,
      to: elements.of(address),
      at,
      label: "one batch per transition",
      technology: "D1 binding",
      because,
    }));
  });
}

/** The classes of the policy whose jobs are in the stack: their runners claim from this Worker. */
function claims(
  context: RuleContext,
  worker: string,
  bindings: Bindings,
  because: readonly string[],
): readonly Relationship[] {
  const policy = bindings.get("RUNNER_POLICY");
  if (policy === undefined) return [];
  const text = (textAt(policy, "json") ?? "")
    // A runner group's id is known at apply; any number stands for it here.
    .replace(/(?<!\$)\$\{[^}]*\}/g, "0")
    // What Terraform would take for a sequence is escaped in the stack.
    .replace(/([$%])\1\{/g, "$1{");
  const { classes } = JSON.parse(text) as { readonly classes: readonly RunnerClass[] };
  return of(context, "nomad_job")
    .filter((job) => classes.some((runnerClass) => runnerClass.job === jobIdOf(job)))
    .map((job) => ({
      from: context.elements.of(job.address),
      to: worker,
      at,
      label: "POST and DELETE /runners/claim",
      technology: "HTTPS",
      because: [...because, `name of ${job.address}`],
    }));
}

/** Who answers at an address: the Access application in front of the hostname, else the tunnel behind it, else Nomad. */
function entry(context: RuleContext, address: string): string {
  const { stack, elements } = context;
  const served = [
    ...of(context, "cloudflare_zero_trust_access_application").map((app) => [app, hostsOf(app)] as const),
    ...of(context, "cloudflare_dns_record").map((record) => [record, [textAt(record.body, "name")]] as const),
  ];
  const host = hostOf(address);
  const named = targets(stack, { address });
  const found = served.find(([one, hosts]) => hosts.includes(host) || named.has(one.address));
  return found === undefined ? elements.outside("nomad") : elements.of(found[0].address);
}

/** The hostnames that an Access application stands in front of. */
function hostsOf({ body }: StackResource): readonly (string | undefined)[] {
  const destinations = listOf(body["destinations"]).map((destination) => textAt(destination, "uri"));
  return [textAt(body, "domain"), ...destinations].map((uri) => uri?.split("/", 1)[0]);
}

/** A URL's host; undefined for what is known only at apply. */
function hostOf(url: string): string | undefined {
  return namesIn(url).length > 0 || !URL.canParse(url) ? undefined : new URL(url).host;
}

/** A hook delivers to the Worker whose domain its URL names, by value or by reference. */
function deliveries(context: RuleContext, hook: StackResource): readonly Relationship[] {
  const url = textAt(hook.body, "configuration", "url") ?? "";
  const { stack, elements } = context;
  const named = targets(stack, { url });
  const github = elements.of(hook.address);
  const because = [`configuration.url of ${hook.address}`];
  const workers = of(context, "cloudflare_workers_custom_domain").filter(
    (domain) => textAt(domain.body, "hostname") === hostOf(url) || named.has(domain.address),
  );
  return workers.flatMap((domain) => [
    {
      from: github,
      to: elements.of(domain.address),
      at,
      label: "POST /webhook, workflow_job, HMAC-SHA256",
      technology: "HTTPS",
      because,
    },
    {
      from: elements.outside("developer"),
      to: github,
      at,
      label: "starts workflows",
      because: [`events of ${hook.address}`],
    },
  ]);
}

/** What Access lets through goes to the tunnel that has the hostname. */
function admissions(context: RuleContext, app: StackResource): readonly Relationship[] {
  return of(context, "cloudflare_dns_record")
    .filter(
      (record) =>
        hostsOf(app).includes(textAt(record.body, "name")) ||
        targets(context.stack, app.body).has(record.address),
    )
    .map((record) => ({
      from: context.elements.of(app.address),
      to: context.elements.of(record.address),
      at,
      label: "requests it lets through, with its JWT",
      because: [`domain of ${app.address}`, `name of ${record.address}`],
    }));
}

/** A connector dials the tunnel that its job is made from, through however many resources. */
function dialsOut(context: RuleContext, tunnel: StackResource): readonly Relationship[] {
  return connectors(context)
    .filter((job) => reaches(context.references, job.address, tunnel.address))
    .map((job) => ({
      from: context.elements.of(job.address),
      to: context.elements.of(tunnel.address),
      at,
      label: "outbound connections",
      technology: "QUIC or HTTP/2",
      because: [`${job.address} needs ${tunnel.address}`],
    }));
}

/** A tunnel's rules name the origin that its connectors, or somebody else's, forward to. */
function forwards(context: RuleContext, config: StackResource): readonly Relationship[] {
  const rules = listOf(objectOf(config.body["config"])["ingress"]).map(objectOf);
  const isForwarding = rules.some((rule) => /^https?:/.test(textAt(rule, "service") ?? ""));
  if (!isForwarding) return [];
  const { elements } = context;
  const tunnel = elements.of(config.address);
  const ours = connectors(context).filter((job) => reaches(context.references, job.address, config.address));
  const from = ours.length > 0 ? ours.map((job) => elements.of(job.address)) : [tunnel];
  return from.map((id) => ({
    from: id,
    to: elements.outside("nomad"),
    at,
    label: "dispatches of the runner classes, nothing else",
    technology: "HTTP",
    because: [`config.ingress of ${config.address}`],
  }));
}

function connectors(context: RuleContext): readonly StackResource[] {
  return of(context, "nomad_job").filter((job) => jobspecOf(job) === "connector.nomad.hcl");
}

/** Nomad runs every job; a runner's own script runs GitHub's listener. */
function runs({ elements }: RuleContext, job: StackResource): readonly Relationship[] {
  const id = elements.of(job.address);
  const nomad = elements.outside("nomad");
  const scheduled = { from: nomad, to: id, at, label: "schedules", because: [job.address] } as const;
  if (jobspecOf(job) !== "runner.nomad.hcl") return [scheduled];
  const listens = {
    from: id,
    to: elements.outside("github"),
    at,
    label: "long-polls for its one job",
    technology: "HTTPS",
    because: [`start_script of ${job.address}`],
  } as const;
  return [scheduled, listens];
}

/** A job's `vault_path` is a secret's place in version 2 of the engine: the mount, `data`, the name. */
function readsSecret(context: RuleContext, job: StackResource): readonly Relationship[] {
  const path = textAt(job.body, "hcl2", "vars", "vault_path");
  return of(context, "vault_kv_secret_v2")
    .filter(({ body }) => path === `${textAt(body, "mount") ?? ""}/data/${textAt(body, "name") ?? ""}`)
    .map((secret) => ({
      from: context.elements.of(job.address),
      to: context.elements.of(secret.address),
      at,
      label: "reads its token, by workload identity",
      technology: "HTTPS",
      because: [`vault_path of ${job.address}`],
    }));
}

/** Whether one resource needs another, through however many. */
export function reaches(references: readonly Reference[], from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const address of seen) {
    for (const reference of references) {
      if (reference.from === address && reference.via !== "provider") seen.add(reference.to);
    }
  }
  return seen.has(to);
}
