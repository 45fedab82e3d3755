export {
  GithubCredentials,
  type GithubBindings,
  type GithubSecretsStoreProps,
  type GithubVariableProps,
} from "./constructs/github-credentials";
export { RunnerJob } from "./constructs/runner-job";
export type { PlacementConstraint, RunnerJobProps } from "./constructs/runner-job-props";
export { RunnersStack } from "./constructs/runners-stack";
export type {
  CloudflareSettings,
  ConsulSettings,
  NomadSettings,
  RunnerClassProps,
  RunnersStackProps,
} from "./constructs/runners-stack-props";
export {
  TaskDriver,
  type DockerDriverProps,
  type DriverVariables,
  type ExecDriverProps,
} from "./constructs/task-driver";
export { WebhookWorker } from "./constructs/webhook-worker";
export type {
  CredentialExpiryProps,
  WebhookWorkerProps,
  WorkerNomadProps,
} from "./constructs/webhook-worker-props";
export type { RunnerPolicyProps } from "./constructs/worker-policy";
export type { SecretsStoreReference } from "./contracts/bindings";
export type { RunnerClass } from "./contracts/policy";
