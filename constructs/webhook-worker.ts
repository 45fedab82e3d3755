import { D1Database } from "@cdktf/provider-cloudflare/lib/d1-database";
import { WorkersCronTrigger } from "@cdktf/provider-cloudflare/lib/workers-cron-trigger";
import { WorkersCustomDomain } from "@cdktf/provider-cloudflare/lib/workers-custom-domain";
import { WorkersScript } from "@cdktf/provider-cloudflare/lib/workers-script";
import { type ITerraformDependable, Token } from "cdktf";
import { Construct } from "constructs";
import type { BindingValues } from "../contracts/bindings";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, SWEEP_CRON } from "../contracts/runtime";
import { hostnameProblems } from "./hostnames";
import type { WebhookWorkerProps } from "./webhook-worker-props";
import { WorkerAsset } from "./worker-asset";
import { bindingProblems, renderBindings } from "./worker-bindings";
import { policyProblems, policyText } from "./worker-policy";

/**
 * The Worker that takes GitHub's deliveries, dispatches runners and answers their claims: its bundle, its ledger (D1),
 * its hostname, its cron and every binding that `contracts/bindings.ts` declares.
 *
 * The bindings are complete and explicit, so `keep_bindings` is not used: a secret that leaves the configuration, such
 * as a previous key after a rotation, leaves the Worker too. Secrets given as text lie in Terraform's state.
 *
 * What a plan does not see: the provider takes the bindings of the script from its state, not from Cloudflare, so a value
 * that was changed outside stays until the next upload.
 */
export class WebhookWorker extends Construct {
  /** Origin by which GitHub and the runners reach the Worker. */
  readonly publicUrl: string;
  /** The address for GitHub's webhooks. */
  readonly webhookUrl: string;
  /** Name of the script. */
  readonly scriptName: string;
  /** Id of the ledger's database, known at apply. */
  readonly ledgerId: string;
  /** What has to stand before GitHub may deliver: script with its bindings, hostname and cron. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: WebhookWorkerProps) {
    super(scope, id);
    const { accountId, hostname, zoneId } = props;
    this.scriptName = props.scriptName ?? "github-runners";
    this.publicUrl = `https://${hostname}`;
    this.webhookUrl = `${this.publicUrl}/webhook`;

    const ledger = new D1Database(this, "Ledger", {
      accountId,
      name: props.ledgerName ?? this.scriptName,
      // Left out, the provider sends null, and the API refuses that (400, code 7400).
      readReplication: { mode: "disabled" },
      lifecycle: { preventDestroy: props.retainLedger ?? false },
    });
    this.ledgerId = ledger.id;

    const bindings = bindingValues(this, props);
    const bundle = new WorkerAsset(this, "Bundle");
    const script = new WorkersScript(this, "Resource", {
      accountId,
      scriptName: this.scriptName,
      mainModule: "worker.js",
      // A file needs its hash beside it, which the provider compares at plan.
      contentFile: bundle.path,
      contentSha256: bundle.sha256,
      compatibilityDate: COMPATIBILITY_DATE,
      compatibilityFlags: [...COMPATIBILITY_FLAGS],
      bindings: renderBindings(bindings),
      // An invocation log would hold the request's headers, a delivery's signature among them. The Worker's own lines
      // say what happened and hold no secret.
      observability: { enabled: true, logs: { enabled: true, invocationLogs: false } },
      dependsOn: [...(props.dependsOn ?? [])],
    });
    // Every argument of it means another domain: the old one goes first, so a new hostname is an outage of a few seconds, and
    // GitHub's deliveries in them are to be redelivered.
    const domain = new WorkersCustomDomain(this, "Domain", {
      accountId,
      hostname,
      service: script.scriptName,
      zoneId,
      // Deprecated, and needed: the API answers "production" whatever it was given, and this version of the provider takes
      // that for a change and would replace the domain at each deploy.
      // https://github.com/cloudflare/terraform-provider-cloudflare/issues/6907
      environment: "production",
    });
    // The provider neither deletes a trigger (it goes with the script) nor reads its schedules back: one that was changed
    // outside is not seen by a plan.
    const cron = new WorkersCronTrigger(this, "Cron", {
      accountId,
      scriptName: script.scriptName,
      schedules: [{ cron: SWEEP_CRON }],
    });
    this.ready = [script, domain, cron];
    this.node.addValidation({ validate: () => problems(props, bindings) });
  }
}

/** Every binding of the Worker. A name that `contracts/bindings.ts` requires and that is missing here does not compile. */
function bindingValues(worker: WebhookWorker, props: WebhookWorkerProps): BindingValues {
  const { nomad, credentialExpiry: expiry } = props;
  return {
    LEDGER: worker.ledgerId,
    RUNNER_POLICY: policyText(props.policy, props.classes),
    PUBLIC_URL: worker.publicUrl,
    ...props.github.bind(worker),
    GITHUB_API_URL: props.githubApiUrl,
    GITHUB_WEBHOOK_SECRET: props.webhookSecret,
    GITHUB_WEBHOOK_SECRET_PREVIOUS: props.webhookSecretPrevious,
    CLAIM_KEY: props.claimKey,
    CLAIM_KEY_PREVIOUS: props.claimKeyPrevious,
    STATUS_TOKEN: props.statusToken,
    NOMAD_ADDR: nomad.address,
    NOMAD_TOKEN: nomad.token,
    NOMAD_NAMESPACE: nomad.namespace ?? "default",
    CF_ACCESS_CLIENT_ID: nomad.access?.clientId,
    CF_ACCESS_CLIENT_SECRET: nomad.access?.clientSecret,
    CREDENTIAL_EXPIRY:
      expiry && JSON.stringify({ access: expiry.access ?? null, nomad: expiry.nomad ?? null }),
  };
}

/** An origin: the Worker adds paths that begin with a slash. */
const ORIGIN = /^https:\/\/[^/?#\s]+$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/;

/** Everything wrong at once. Values known only at apply are Terraform's to check. */
function problems(props: WebhookWorkerProps, bindings: BindingValues): string[] {
  const { hostname, nomad, credentialExpiry: expiry } = props;
  // The policy's size is the policy's to tell, with what to do about it.
  const { RUNNER_POLICY: _, ...others } = bindings;
  const found = [
    ...policyProblems(props.policy, props.classes, props.toldElsewhere),
    ...bindingProblems(others),
  ];
  found.push(...hostnameProblems("hostname", hostname));
  if (isKnown(nomad.address) && !ORIGIN.test(nomad.address)) {
    found.push(`nomad.address: must be an https origin without path, got "${nomad.address}"`);
  }
  for (const key of ["access", "nomad"] as const) {
    const time = expiry?.[key];
    if (time !== undefined && isKnown(time) && (!ISO_TIME.test(time) || Number.isNaN(Date.parse(time)))) {
      found.push(`credentialExpiry.${key}: must be a time such as 2027-01-01T00:00:00Z, got "${time}"`);
    }
  }
  return found;
}

function isKnown(value: string): boolean {
  return !Token.isUnresolved(value);
}
