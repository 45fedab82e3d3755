import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as api from "../index";

/** Adding a name is a feature, removing or renaming one breaks somebody's stack: both belong into the changelog. */
describe("the public API", () => {
  it("has these values", () => {
    expect(Object.keys(api).sort()).toEqual([
      "ConnectorDriver",
      "DispatchCredential",
      "GeneratedSecret",
      "GithubCredentials",
      "NomadGateway",
      "NomadRoute",
      "OnDemandRunners",
      "OrganizationWebhook",
      "ProviderCredentials",
      "RepositorySelection",
      "RepositoryWebhooks",
      "RunnerJob",
      "RunnersNamespace",
      "RunnersStack",
      "TaskDriver",
      "TunnelConnector",
      "VaultSecrets",
      "WebhookWorker",
      "drainPlan",
    ]);
  });

  it("has these types", () => {
    const text = readFileSync(join(__dirname, "..", "index.ts"), "utf8");
    const types = [...text.matchAll(/export type \{([^}]*)\}/g)].flatMap(([, names]) =>
      (names ?? "").split(","),
    );
    const inline = [...text.matchAll(/\btype (\w+)[,\s]/g)].map(([, name]) => name ?? "");
    const names = [...types, ...inline]
      .map((name) => name.trim())
      .filter((name) => name !== "" && name !== "type");
    expect([...new Set(names)].sort()).toEqual([
      "AccessToken",
      "BoundProviderCredentials",
      "BoundRoute",
      "CloudflareSettings",
      "ConnectorJob",
      "ConnectorProps",
      "ConnectorVault",
      "ConnectorVaultProps",
      "ConsulSettings",
      "CreatedGroupProps",
      "CredentialExpiryProps",
      "DispatchCredentialProps",
      "DockerConnectorProps",
      "DockerDriverProps",
      "DrainPlan",
      "DriverVariables",
      "EnvironmentCredentialsProps",
      "ExecConnectorProps",
      "ExecDriverProps",
      "ExistingRouteProps",
      "GeneratedSecretProps",
      "Generations",
      "GithubAppInstallations",
      "GithubBindings",
      "GithubSecretsStoreProps",
      "GithubVariableProps",
      "GithubVaultKvProps",
      "INomadGateway",
      "KvSecretReference",
      "NomadGatewayAttributes",
      "NomadGatewayProps",
      "NomadRouteContext",
      "NomadSettings",
      "OnDemandRunnersProps",
      "OrganizationScopeProps",
      "OrganizationSelectionProps",
      "OrganizationWebhookProps",
      "OwnerSelectionProps",
      "PlacementConstraint",
      "PolicyWideProps",
      "RepositoryScopeProps",
      "RepositoryWebhooksProps",
      "RunnerClass",
      "RunnerClassProps",
      "RunnerGroupContext",
      "RunnerJobProps",
      "RunnerPolicyProps",
      "RunnersNamespaceProps",
      "RunnersNomadSettings",
      "RunnersStackProps",
      "ScheduledPoolProps",
      "ScopePolicyProps",
      "SecretsStoreReference",
      "SelectionPolicyProps",
      "ServiceTokenRotation",
      "SeveralScopesProps",
      "TopicSelectionProps",
      "TunnelConnectorProps",
      "TunnelRouteProps",
      "VaultKvCredentialsProps",
      "VaultSecretsProps",
      "VaultSettings",
      "WarmPoolProps",
      "WebhookProps",
      "WebhookTarget",
      "WebhookWorkerProps",
      "WorkerNomadProps",
    ]);
  });
});
