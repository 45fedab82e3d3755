import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "@swc/core";

interface Question {
  readonly method: string;
  readonly path: string;
}

/** An API that a probe asks, as it is told of it. */
interface ProbedApi {
  readonly name: string;
  /** null: Nomad's socket in the task's secrets. */
  readonly port: number | null;
  readonly headers: readonly string[];
  readonly questions: readonly Question[];
}

export interface ProbeOrders {
  readonly collector: string;
  readonly directories: readonly string[];
  readonly apis: readonly ProbedApi[];
}

const asked = (...paths: readonly string[]): Question[] => paths.map((path) => ({ method: "GET", path }));

/** Nomad's API, at its port and at the socket that every task has: what has a runner's claim, a secret or a way to run
 *  something in it. @param child a dispatched job in `namespace` */
export function nomadApis(port: number, namespace: string, job: string, child: string): readonly ProbedApi[] {
  const query = `?namespace=${namespace}`;
  const id = encodeURIComponent(child);
  const questions = [
    ...asked(`/v1/jobs${query}`, `/v1/job/${job}${query}`, `/v1/job/${id}${query}`),
    ...asked(`/v1/job/${id}/allocations${query}`, `/v1/allocations${query}`, `/v1/vars${query}`, "/v1/nodes"),
    ...asked("/v1/acl/tokens", "/v1/agent/self", "/v1/operator/keyring/keys", "/v1/jobs?namespace=*"),
    { method: "POST", path: `/v1/job/${job}/dispatch${query}` },
  ];
  const headers = ["X-Nomad-Token"];
  return [
    { name: "Nomad", port, headers, questions },
    { name: "Nomad's task API", port: null, headers, questions },
  ];
}

/** Consul's API. @param statePath key of Terraform's state */
export function consulApi(port: number, statePath: string): ProbedApi {
  const questions = asked(
    `/v1/kv/${statePath}`,
    `/v1/kv/${statePath}?raw`,
    "/v1/kv/?recurse",
    "/v1/acl/tokens",
    "/v1/agent/self",
  );
  return { name: "Consul", port, headers: ["X-Consul-Token"], questions };
}

/** Vault's API. @param secretPath path of a secret */
export function vaultApi(port: number, secretPath: string): ProbedApi {
  const questions = asked(
    `/v1/${secretPath}`,
    "/v1/sys/mounts",
    "/v1/auth/token/lookup-self",
    "/v1/sys/policies/acl",
  );
  return { name: "Vault", port, headers: ["X-Vault-Token"], questions };
}

/** GitHub's API, with what a runner may have found. */
export function githubApi(port: number, repository: string): ProbedApi {
  const questions = asked(
    `/repos/${repository}/actions/runners`,
    `/repos/${repository}/actions/runs`,
    `/repos/${repository}/hooks`,
  );
  return { name: "GitHub", port, headers: ["Authorization"], questions };
}

/** The Worker's API, but for the one request that a runner's script makes. */
export function workerApi(port: number): ProbedApi {
  const questions = [...asked("/status", "/metrics"), { method: "POST", path: "/runners/claim" }];
  return { name: "the Worker", port, headers: ["Authorization"], questions };
}

/** A step's script that runs the probe. @param before what the step does first */
export function probeScript(orders: ProbeOrders, before = ""): string {
  const { code } = transformSync(readFileSync(join(__dirname, "probe.ts"), "utf8"), {
    configFile: false,
    swcrc: false,
    jsc: { target: "es2022", parser: { syntax: "typescript" } },
    module: { type: "commonjs" },
  });
  const told = JSON.stringify(orders).replaceAll("'", "'\\''");
  return `${before}
cat >"$RUNNER_TEMP/probe.js" <<'END_OF_PROBE'
${code}
END_OF_PROBE
for node in "$JOB_HOOK_RUNNER_ROOT"/externals/node*/bin/node "$(command -v node)"; do
  if "$node" -e 0; then break; fi
done
PROBE='${told}' "$node" "$RUNNER_TEMP/probe.js"
`;
}
