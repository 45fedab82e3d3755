import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as api from "../index";

/** Adding a name is a feature, removing or renaming one breaks somebody's stack: both belong into the changelog. */
describe("the public API", () => {
  it("has these values", () => {
    expect(Object.keys(api).sort()).toEqual([
      "GithubCredentials",
      "RunnerJob",
      "RunnersStack",
      "TaskDriver",
      "WebhookWorker",
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
      "CloudflareSettings",
      "ConsulSettings",
      "CredentialExpiryProps",
      "DockerDriverProps",
      "DriverVariables",
      "ExecDriverProps",
      "GithubBindings",
      "GithubSecretsStoreProps",
      "GithubVariableProps",
      "NomadSettings",
      "PlacementConstraint",
      "RunnerClass",
      "RunnerClassProps",
      "RunnerJobProps",
      "RunnerPolicyProps",
      "RunnersStackProps",
      "SecretsStoreReference",
      "WebhookWorkerProps",
      "WorkerNomadProps",
    ]);
  });
});
