import { Annotations } from "cdktf";
import { Construct } from "constructs";
import { CombinedSelection } from "./combined-selection";
import { classProblems, classWarnings } from "./class-checks";
import { classIds } from "./class-ids";
import { cloudflareProblems } from "./cloudflare-checks";
import { DispatchCredential } from "./dispatch-credential";
import { GeneratedSecret } from "./generated-secret";
import { hostnameOf, hostnameProblems, zoneProblems } from "./hostnames";
import { prePullProblems, prePullsOf } from "./pre-pulls";
import type { BoundRoute } from "./nomad-route";
import type { OnDemandRunnersProps } from "./on-demand-runners-props";
import { isolationProblems } from "./isolation-checks";
import { leftOutWarnings } from "./left-out-check";
import { payloadProblems } from "./payload-checks";
import { poolProblems, poolWarnings } from "./pool-checks";
import type { RepositorySelection } from "./repository-selection";
import { RepositoryWebhooks } from "./repository-webhooks";
import { RunnerJob } from "./runner-job";
import { runnerReleaseWarnings } from "./runner-release-warnings";
import { RunnersNamespace } from "./runners-namespace";
import type { RunnerScope } from "./runner-scope";
import { scopeProblems } from "./scope-checks";
import { allowsForks, scopesOf, selectionOf, stackScopeProblems } from "./stack-scopes";
import { namespaceOf, stackNameOf, stackNameProblems } from "./stack-name";
import { toldElsewhere } from "./told-elsewhere";
import { WebhookWorker } from "./webhook-worker";
import type { RunnerPolicyProps, SeveralScopesProps } from "./worker-policy";

/** Nomad's namespace that always exists and cannot be made. */
const DEFAULT_NAMESPACE = "default";

/**
 * Runners on demand for one Nomad cluster, in anybody's stack: the runner classes' jobs with their namespace and the
 * token that may dispatch them, the route to Nomad, the Worker, and last of all GitHub's webhooks. It declares no
 * provider and no backend: the stack around it has those of Cloudflare, GitHub, Nomad, Random and, where it is used,
 * Vault.
 *
 * Secrets between the parts are generated here, so they lie in Terraform's state: whoever may read the state can sign
 * deliveries and dispatch runners.
 */
export class OnDemandRunners extends Construct {
  /** The Worker. */
  readonly worker: WebhookWorker;
  /** Whose workflow jobs get runners. */
  readonly selection: RepositorySelection;
  /** Where runners register. */
  readonly scopes: readonly RunnerScope[];
  /** One job for each class, in the order of the props. */
  readonly jobs: readonly RunnerJob[];
  /** Namespace of the runner jobs. */
  readonly namespace: string;
  /** Origin by which the Worker reaches Nomad. */
  readonly nomadAddress: string;
  /** Bearer token of `/status` and `/metrics`, known at apply. */
  readonly statusToken: string;

  constructor(scope: Construct, id: string, props: OnDemandRunnersProps) {
    super(scope, id);
    this.selection = selectionOf(props);
    this.scopes = scopesOf(props);
    this.namespace = namespaceOf(props);
    const namespace = this.#namespace(props);
    const classes = new Construct(this, "Classes");
    const ids = classIds(props.classes);
    this.jobs = props.classes.map(
      (runnerClass, index) =>
        new RunnerJob(classes, ids[index] ?? "", {
          ...runnerClass,
          namespace: this.namespace,
          allowForks: allowsForks(this.scopes),
          dependsOn: namespace?.ready ?? [],
        }),
    );
    prePullsOf(this, props.classes, { namespace: this.namespace, dependsOn: namespace?.ready ?? [] });
    const route = props.route.bind(this, {
      stackName: stackNameOf(props),
      accountId: props.cloudflare.accountId,
      zoneId: props.cloudflare.zoneId,
      jobs: this.jobs.map(({ jobId }) => jobId),
    });
    this.nomadAddress = route.address;
    const keepPrevious = props.generations?.keepPrevious;
    const webhookSecret = secret(this, "WebhookSecret", props.generations?.webhookSecret, keepPrevious);
    const statusToken = secret(this, "StatusToken", props.generations?.statusToken, false);
    this.statusToken = statusToken.current;
    this.worker = this.#worker(props, route, webhookSecret);
    this.#webhooks(props, route, webhookSecret);
    this.#check(props);
  }

  #namespace({ nomad }: OnDemandRunnersProps): RunnersNamespace | undefined {
    if (!(nomad?.createNamespace ?? this.namespace !== DEFAULT_NAMESPACE)) return undefined;
    return new RunnersNamespace(this, "Namespace", { name: this.namespace });
  }

  #worker(props: OnDemandRunnersProps, route: BoundRoute, webhookSecret: GeneratedSecret): WebhookWorker {
    const claimKey = secret(this, "ClaimKey", props.generations?.claimKey, props.generations?.keepPrevious);
    const credential = new DispatchCredential(this, "DispatchCredential", {
      namespace: this.namespace,
      // A policy is written over by another stack's of the same name, and then holds for that one's namespace alone.
      name: props.nomad?.dispatchTokenName ?? `${this.namespace}-dispatch`,
      ...(props.generations?.nomadToken === undefined ? {} : { generation: props.generations.nomadToken }),
      ...(props.nomad?.dispatchTokenExpiresIn === undefined
        ? {}
        : { expiresIn: props.nomad.dispatchTokenExpiresIn }),
    });
    const { access } = route;
    return new WebhookWorker(this, "Worker", {
      accountId: props.cloudflare.accountId,
      zoneId: props.cloudflare.zoneId,
      hostname: props.hostname,
      policy: this.#policy(props),
      classes: this.jobs.map(({ runnerClass }) => runnerClass),
      toldElsewhere: toldElsewhere(props, this.jobs),
      scriptName: stackNameOf(props),
      github: props.github,
      webhookSecret: webhookSecret.current,
      claimKey: claimKey.current,
      statusToken: this.statusToken,
      ...(webhookSecret.previous !== undefined && { webhookSecretPrevious: webhookSecret.previous }),
      ...(claimKey.previous !== undefined && { claimKeyPrevious: claimKey.previous }),
      nomad: {
        address: route.address,
        namespace: this.namespace,
        token: credential.token,
        ...(access && { access: { clientId: access.clientId, clientSecret: access.clientSecret } }),
      },
      credentialExpiry: {
        ...(access?.expiresAt !== undefined && { access: access.expiresAt }),
        ...(credential.expiresAt !== undefined && { nomad: credential.expiresAt }),
      },
      retainLedger: props.ledger?.retain ?? false,
      // A class that the Worker knows before Nomad does would have its first jobs refused.
      dependsOn: this.jobs.flatMap(({ ready }) => ready),
      ...props.worker,
    });
  }

  #policy(props: OnDemandRunnersProps): RunnerPolicyProps | SeveralScopesProps {
    const { pools, cleanUp, recovery, redelivery } = props;
    const wide = {
      ...(pools !== undefined && { pools }),
      ...(cleanUp !== undefined && { cleanUp }),
      ...(recovery !== undefined && { recovery }),
      ...(redelivery !== undefined && { redelivery }),
    };
    const scopes = this.scopes.map((scope) => scope.policy(this.#group(scope, props)));
    const [only] = scopes;
    return props.scopes === undefined && only !== undefined ? { ...only, ...wide } : { scopes, ...wide };
  }

  /** @returns the id of the scope's runner group, or a reference to it; undefined for the default one */
  #group(
    { group, organization, settings }: RunnerScope,
    props: OnDemandRunnersProps,
  ): number | string | undefined {
    if (organization === undefined) return undefined;
    const groups = this.node.tryFindChild("Groups") ?? new Construct(this, "Groups");
    const login = organization.toLowerCase();
    // An organization in two scopes is told of.
    if (groups.node.tryFindChild(login) !== undefined) return undefined;
    return group.bind(new Construct(groups, login), {
      organization,
      publicRepositories: (settings.publicRepositories ?? []).length > 0,
      provider: props.githubProvider?.(organization),
    });
  }

  /** Last of all: a delivery must find a Worker that knows its secret, and jobs that it may dispatch. */
  #webhooks(props: OnDemandRunnersProps, route: BoundRoute, webhookSecret: GeneratedSecret): void {
    new RepositoryWebhooks(this, "Webhooks", {
      selection: this.selection,
      url: this.worker.webhookUrl,
      secret: webhookSecret.current,
      dependsOn: [...this.worker.ready, ...route.ready, ...this.jobs.flatMap(({ ready }) => ready)],
      publicRepositories: this.scopes.flatMap(({ settings }) => settings.publicRepositories ?? []),
      ...(props.githubProvider && { provider: props.githubProvider }),
    });
  }

  #check(props: OnDemandRunnersProps): void {
    const classes = this.jobs.map(({ runnerClass }) => runnerClass);
    const today = props.today ?? new Date();
    this.node.addValidation({ validate: () => problems(props, this) });
    const warnings = [
      ...classWarnings(classes),
      ...props.classes.flatMap(({ className, driver }) =>
        runnerReleaseWarnings(className, { ...driver.variables }, today),
      ),
      ...this.scopes.flatMap(({ selections, settings }, index) =>
        leftOutWarnings(
          settings.repositories,
          new CombinedSelection(selections),
          props.scopes === undefined ? "policy.repositories" : `scopes[${String(index)}].repositories`,
        ),
      ),
      ...poolWarnings(props.pools ?? [], this.scopes),
    ];
    for (const warning of warnings) Annotations.of(this).addWarning(warning);
  }
}

function secret(scope: Construct, id: string, generation = 1, keepPrevious = true): GeneratedSecret {
  return new GeneratedSecret(scope, id, { generation, keepPrevious });
}

/** Everything that only the whole can see, at once. */
function problems(props: OnDemandRunnersProps, runners: OnDemandRunners): string[] {
  const { jobs, namespace, nomadAddress, scopes, selection } = runners;
  const classes = jobs.map(({ runnerClass }) => runnerClass);
  const { cloudflare, hostname, route, policy, github } = props;
  const found = [
    ...stackNameProblems(props),
    ...zoneProblems("hostname", hostname, cloudflare.zoneName),
    ...hostnameProblems("cloudflare.zoneName", cloudflare.zoneName),
    ...classProblems(
      classes,
      scopes.every(({ settings }) => settings.requireSelfHostedLabel ?? true),
    ),
    ...prePullProblems(props.classes),
    ...isolationProblems(
      jobs,
      scopes.map(({ settings }) => settings),
    ),
    ...payloadProblems(hostname),
    ...cloudflareProblems(cloudflare, props.worker),
    ...scopeProblems(policy, selection),
    ...stackScopeProblems(props),
    ...poolProblems(props.pools ?? [], scopes, classes),
  ];
  if (route.hostname !== undefined) {
    found.push(...zoneProblems("route: hostname", route.hostname, cloudflare.zoneName));
  }
  // A way of the user's own leads to a hostname as well.
  if ((route.hostname ?? hostnameOf(nomadAddress)) === hostname) {
    found.push(
      `hostname: must not be Nomad's own, got "${hostname}" for both; the Worker would call itself. Give each its own.`,
    );
  }
  const connector = route.connectorJob(stackNameOf(props));
  if (connector?.namespace === namespace && jobs.some(({ jobId }) => jobId === connector.jobId)) {
    found.push(
      `classes: must not have the connectors' Nomad job id, got "${connector.jobId}" in the namespace "${namespace}" for both; ` +
        "leave jobId out, or give each its own",
    );
  }
  found.push(...github.problems(selection.owners));
  if (jobs.length === 0) found.push("classes: must hold at least one runner class, got none");
  return found;
}
