import { CloudflareProvider } from "@cdktf/provider-cloudflare/lib/provider";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { ConsulBackend, TerraformOutput, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { RunnerJob } from "./runner-job";
import type { RunnersStackProps } from "./runners-stack-props";
import { sensitiveVariable } from "./sensitive-variable";
import { WebhookWorker } from "./webhook-worker";

/** Fewest characters of a key that is made for this stack; 32 hex digits are 128 bits. */
const KEY_LENGTH = 32;

/**
 * The whole of it for one Nomad cluster: a Nomad job for each runner class and the Worker that dispatches them, with
 * providers, a Consul backend and outputs.
 *
 * Secrets come as sensitive Terraform variables without a default (`TF_VAR_<name>`): `github_webhook_secret`,
 * `claim_key`, `status_token`, `nomad_dispatch_token`, `access_client_id`, `access_client_secret`, and what
 * {@link GithubCredentials} asks for. They are not made here: the keys by whoever deploys (`openssl rand -hex 32`), the
 * tokens by Nomad and Cloudflare. Providers and backend take their own credentials from the environment:
 * `CLOUDFLARE_API_TOKEN`, `NOMAD_TOKEN`, `CONSUL_HTTP_TOKEN`.
 */
export class RunnersStack extends TerraformStack {
  /** The Worker. */
  readonly worker: WebhookWorker;
  /** One job for each class, in the order of the settings. */
  readonly jobs: readonly RunnerJob[];

  constructor(scope: Construct, id: string, props: RunnersStackProps) {
    super(scope, id);
    new ConsulBackend(this, {
      address: props.consul.address,
      scheme: props.consul.scheme ?? "https",
      path: props.consul.path,
      lock: true,
      // A value in Consul holds 512 KB at most.
      gzip: true,
      // The type wants a token, and the token would lie readable in the synthesized JSON. Left out, Terraform takes
      // CONSUL_HTTP_TOKEN.
      accessToken: undefined as unknown as string,
    });
    new CloudflareProvider(this, "Cloudflare");
    new NomadProvider(this, "Nomad", { address: props.nomad.apiAddress });

    const classes = new Construct(this, "Classes");
    this.jobs = props.classes.map(
      (runnerClass) =>
        new RunnerJob(classes, runnerClass.className, {
          ...runnerClass,
          namespace: props.nomad.namespace ?? "default",
          allowForks: props.policy.forkPullRequests === "allow",
        }),
    );
    this.worker = this.#worker(props);
    new TerraformOutput(this, "webhook_url", {
      value: this.worker.webhookUrl,
      description: "Payload URL of GitHub's webhooks (content type application/json, event: workflow jobs).",
    });
  }

  #worker({ cloudflare, nomad, rotating = [], access = true, ...props }: RunnersStackProps): WebhookWorker {
    const secret = (name: string, description: string, minLength = 1): string =>
      sensitiveVariable(this, { name, description, minLength });
    return new WebhookWorker(this, "Worker", {
      ...cloudflare,
      hostname: props.hostname,
      policy: props.policy,
      classes: this.jobs.map(({ runnerClass }) => runnerClass),
      github: props.github,
      webhookSecret: secret("github_webhook_secret", "Secret of GitHub's webhooks.", KEY_LENGTH),
      claimKey: secret("claim_key", "Key that the Worker signs runners' claims with.", KEY_LENGTH),
      statusToken: secret("status_token", "Bearer token for /status and /metrics.", KEY_LENGTH),
      nomad: {
        address: nomad.workerAddress,
        namespace: nomad.namespace ?? "default",
        token: secret("nomad_dispatch_token", "Nomad ACL token that may only dispatch (dispatch-job)."),
        ...(access && {
          access: {
            clientId: secret("access_client_id", "Client id of the Access service token for Nomad."),
            clientSecret: secret(
              "access_client_secret",
              "Client secret of the Access service token for Nomad.",
            ),
          },
        }),
      },
      ...(rotating.includes("webhookSecret") && {
        webhookSecretPrevious: secret(
          "github_webhook_secret_previous",
          "The webhook secret before the current one.",
        ),
      }),
      ...(rotating.includes("claimKey") && {
        claimKeyPrevious: secret("claim_key_previous", "The claim key before the current one."),
      }),
      ...props.worker,
    });
  }
}
