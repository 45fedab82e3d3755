export { DispatchCredential, type DispatchCredentialProps } from "./constructs/dispatch-credential";
export { drainPlan, type DrainPlan } from "./constructs/drain-plan";
export { Egress, type EgressProps, type EgressTarget, type PublicEgressProps } from "./constructs/egress";
export { GeneratedSecret, type GeneratedSecretProps } from "./constructs/generated-secret";
export {
  GithubCredentials,
  type GithubBindings,
  type GithubSecretsStoreProps,
  type GithubVariableProps,
  type GithubVaultKvProps,
} from "./constructs/github-credentials";
export { HookScript } from "./constructs/hook-script";
export {
  ConnectorDriver,
  type DockerConnectorProps,
  type ExecConnectorProps,
} from "./constructs/connector-driver";
export {
  NomadGateway,
  type AccessToken,
  type INomadGateway,
  type NomadGatewayAttributes,
  type NomadGatewayProps,
} from "./constructs/nomad-gateway";
export type { ServiceTokenRotation } from "./constructs/nomad-gateway-props";
export {
  NomadRoute,
  type BoundRoute,
  type ConnectorJob,
  type ExistingRouteProps,
} from "./constructs/nomad-route";
export type {
  ConnectorProps,
  ConnectorVaultProps,
  NomadRouteContext,
  TunnelRouteProps,
} from "./constructs/nomad-route-props";
export { OnDemandRunners } from "./constructs/on-demand-runners";
export type {
  CloudflareSettings,
  Generations,
  OnDemandRunnersProps,
  RunnerClassProps,
  RunnersNomadSettings,
  SelectionPolicyProps,
} from "./constructs/on-demand-runners-props";
export { OrganizationWebhook, type OrganizationWebhookProps } from "./constructs/organization-webhook";
export {
  PrivateDocker,
  type PrivateDockerProps,
  type PrivilegedDockerProps,
} from "./constructs/private-docker";
export {
  ProviderCredentials,
  type BoundProviderCredentials,
  type EnvironmentCredentialsProps,
  type GithubAppInstallations,
  type VaultKvCredentialsProps,
} from "./constructs/provider-credentials";
export {
  RepositorySelection,
  type OrganizationSelectionProps,
  type OwnerSelectionProps,
  type TopicSelectionProps,
  type WebhookTarget,
} from "./constructs/repository-selection";
export { RepositoryWebhooks, type RepositoryWebhooksProps } from "./constructs/repository-webhooks";
export { RunnerGroup, type CreatedGroupProps, type RunnerGroupContext } from "./constructs/runner-group";
export { RunnerJob } from "./constructs/runner-job";
export type { PlacementConstraint, RunnerJobProps, RunnerVolume } from "./constructs/runner-job-props";
export {
  RunnerNetwork,
  type CniNetworkProps,
  type DnsProps,
  type NetworkProps,
  type OwnNetworkProps,
} from "./constructs/runner-network";
export {
  RunnerScope,
  type OrganizationScopeProps,
  type RepositoryScopeProps,
} from "./constructs/runner-scope";
export {
  RUNNER_RELEASE,
  type RunnerArchitecture,
  type RunnerArchive,
  type RunnerRelease,
} from "./constructs/runner-release";
export { RunnersNamespace, type RunnersNamespaceProps } from "./constructs/runners-namespace";
export { RunnersStack } from "./constructs/runners-stack";
export type {
  ConsulSettings,
  NomadSettings,
  RunnersStackProps,
  VaultSettings,
} from "./constructs/runners-stack-props";
export {
  TaskDriver,
  type DockerDriverProps,
  type DriverVariables,
  type ExecDriverProps,
  type PodmanDriverProps,
  type RawExecDriverProps,
} from "./constructs/task-driver";
export { TunnelConnector, type TunnelConnectorProps } from "./constructs/tunnel-connector";
export type { ConnectorVault } from "./constructs/tunnel-connector-props";
export { VaultSecrets, type VaultSecretsProps } from "./constructs/vault-secrets";
export { WarmPool, type ScheduledPoolProps, type WarmPoolProps } from "./constructs/warm-pool";
export { WebhookWorker } from "./constructs/webhook-worker";
export type {
  CredentialExpiryProps,
  WebhookWorkerProps,
  WorkerNomadProps,
} from "./constructs/webhook-worker-props";
export type { KvSecretReference } from "./constructs/kv-secret";
export type { WebhookProps } from "./constructs/webhook-props";
export type {
  PolicyWideProps,
  RunnerPolicyProps,
  ScopePolicyProps,
  SeveralScopesProps,
} from "./constructs/worker-policy";
export type { SecretsStoreReference } from "./contracts/bindings";
export type { RunnerClass } from "./contracts/policy";
