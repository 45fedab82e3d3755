import type { HttpApi } from "../http-api";
import { until } from "../runners-namespace";

const FORGOTTEN_MS = 15_000;

/** One thing that there is in a system, such as `namespace github-runners`. */
export type Item = string;

/** What there is in Nomad, over all namespaces: also what has ended, as long as Nomad knows it. */
export async function nomadInventory(nomad: HttpApi): Promise<readonly Item[]> {
  const list = async (path: string): Promise<readonly Named[]> =>
    (await nomad.call("GET", path)) as readonly Named[];
  return [
    ...(await list("/v1/jobs?namespace=*")).map(({ ID = "", Status }) => `job ${ID} (${String(Status)})`),
    ...(await list("/v1/namespaces")).map(({ Name = "" }) => `namespace ${Name}`),
    ...(await list("/v1/acl/policies")).map(({ Name = "" }) => `policy ${Name}`),
    ...(await list("/v1/acl/tokens")).map(({ Name = "", AccessorID = "" }) => `token ${Name} ${AccessorID}`),
    ...(await list("/v1/services?namespace=*")).flatMap(({ Services = [] }) =>
      Services.map(({ ServiceName }) => `service ${ServiceName}`),
    ),
  ];
}

/** Lets Nomad forget what has ended, as it does by itself after hours. What it keeps all the same, the inventory tells. */
export async function forgetEnded(nomad: HttpApi): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    // A job is forgotten only after its evaluations and allocations, so it may take more than one round.
    await nomad.call("PUT", "/v1/system/gc");
    const jobs = (await nomad.call("GET", "/v1/jobs?namespace=*")) as readonly Named[];
    return jobs.some(({ Status }) => Status === "dead") ? undefined : true;
  };
  await until("Nomad to forget what has ended", look, FORGOTTEN_MS).catch(() => undefined);
}

/** What there is in Vault: policies, auth methods with their roles, and every secret of a KV engine. */
export async function vaultInventory(vault: HttpApi, kvMount: string): Promise<readonly Item[]> {
  const methods = Object.keys(dataOf(await vault.call("GET", "/v1/sys/auth")));
  const roles = await Promise.all(
    methods.map(async (path) => {
      const names = await vaultList(vault, `/v1/auth/${path}role`);
      return names.map((name) => `role ${path}${name}`);
    }),
  );
  return [
    ...(await vaultList(vault, "/v1/sys/policies/acl")).map((name) => `policy ${name}`),
    ...methods.map((path) => `auth method ${path}`),
    ...roles.flat(),
    ...(await vaultSecrets(vault, kvMount, "")).map((path) => `secret ${kvMount}/${path}`),
  ];
}

/** Secrets beneath a path, those that are deleted but whose versions are kept, too. */
async function vaultSecrets(vault: HttpApi, mount: string, beneath: string): Promise<readonly string[]> {
  const names = await vaultList(vault, `/v1/${mount}/metadata/${beneath}`);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = beneath + name;
      return name.endsWith("/") ? vaultSecrets(vault, mount, path) : [path];
    }),
  );
  return found.flat();
}

/** Names; none where there is no such thing to list. */
async function vaultList(vault: HttpApi, path: string): Promise<readonly string[]> {
  try {
    const answer = (await vault.call("GET", `${path}?list=true`)) as { data: { keys: readonly string[] } };
    return answer.data.keys;
  } catch (error) {
    // An empty list is 404, and an auth method without roles has no such path either.
    if (/: 40[45] /.test(String(error))) return [];
    throw error;
  }
}

function dataOf(answer: unknown): Readonly<Record<string, unknown>> {
  return (answer as { readonly data: Readonly<Record<string, unknown>> }).data;
}

/** What there is in Consul: every key, and every session, which is what a lock is held by. */
export async function consulInventory(consul: HttpApi): Promise<readonly Item[]> {
  const list = async (path: string): Promise<readonly unknown[]> =>
    (await consul.has(path)) ? ((await consul.call("GET", path)) as readonly unknown[]) : [];
  const sessions = (await list("/v1/session/list")) as readonly Named[];
  return [
    ...(await list("/v1/kv/?keys")).map((key) => `key ${String(key)}`),
    ...sessions.map(({ Name = "", ID = "" }) => `session ${Name} ${ID}`),
  ];
}

/** Of answers of Nomad and Consul. */
interface Named {
  readonly ID?: string;
  readonly Name?: string;
  readonly Status?: string;
  readonly AccessorID?: string;
  readonly Services?: readonly { readonly ServiceName: string }[];
}
