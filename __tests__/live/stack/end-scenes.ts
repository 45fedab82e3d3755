import type { ConsulAgent } from "../consul-agent";
import { type Check, check, holds } from "../report";
import { until } from "../runners-namespace";
import { type Item, consulInventory, forgetEnded, nomadInventory, vaultInventory } from "./inventory";
import type { LiveStack, Systems } from "./live-stack";
import { CLASS_JOB, CONNECTOR_JOB, NAMESPACE, PRIVATE, SETTINGS_VARIABLE, STATE_PATH } from "./settings";

const SESSIONS_MS = 40_000;

/** What there is in each of the systems. */
export type Inventories = Readonly<
  Record<"Nomad" | "Consul" | "Vault" | "GitHub" | "Cloudflare", readonly Item[]>
>;

export async function inventories(systems: Systems): Promise<Inventories> {
  const { nomad, consul, vault, github, cloudflare } = systems;
  await forgetEnded(nomad);
  const { hooks, groups, runners } = github.inventory();
  return {
    Nomad: await nomadInventory(nomad),
    Consul: await consulInventory(consul),
    Vault: await vaultInventory(vault, vault.kvMount),
    GitHub: [
      ...hooks.map(({ target, url }) => `webhook ${target} ${url}`),
      ...groups.map(({ name }) => `runner group ${name}`),
      ...runners.map(({ name }) => `runner ${name}`),
    ],
    Cloudflare: cloudflare.inventory().map(({ kind, name }) => `${kind} ${name}`),
  };
}

/** `npm run drain` while jobs run: no more dispatches, and nothing of ours runs in Nomad in the end. */
export async function playDrain(live: LiveStack): Promise<readonly Check[]> {
  const { nomad, github } = live.systems;
  const long = await live.jobs.queue({
    repository: PRIVATE,
    name: "cut off by the drain",
    script: "sleep 300",
  });
  await live.jobs.running(long);
  const drained = await live.run(
    [process.execPath, "--import", "tsx", "scripts/drain.ts", "__tests__/live/stack/runners.config.ts"],
    { NOMAD_TOKEN: nomad.token, [SETTINGS_VARIABLE]: live.settingsFile },
  );
  const jobs = (await nomad.call("GET", "/v1/jobs?namespace=*")) as readonly JobView[];
  // The main loop, where it was played before, left a job of the same id in a namespace of its own.
  const ours = jobs.filter(
    ({ ID, Namespace }) =>
      (Namespace === NAMESPACE && ID.startsWith(CLASS_JOB)) ||
      (Namespace === "default" && ID === CONNECTOR_JOB),
  );
  const alive = ours.filter(({ Status, Stop }) => Status !== "dead" && !Stop);
  const late = await live.jobs.queue({ repository: PRIVATE, name: "after the drain" });
  const children = await live.runners.children();
  return [
    holds("npm run drain ends well", drained.code === 0, drained.output.slice(-1_500)),
    check(
      "no job of ours is alive in Nomad",
      alive.map(({ ID, Status }) => `${ID} ${Status}`),
    ),
    check(
      "the runner that was at work gave its registration back",
      github.runners().map(({ name }) => name),
    ),
    holds(
      "a job that comes now is not dispatched",
      !children.some(({ DispatchIdempotencyToken: token }) => token.startsWith(`${String(late.id)}:`)),
      "it was",
    ),
  ];
}

/**
 * Terraform gives the lock back and may end before it has ended the session; Consul does so itself after the session's
 * 15 s, or within twice that. Where one is left after all, the inventory tells.
 * @see https://developer.hashicorp.com/consul/docs/dynamic-app-config/sessions
 */
async function sessionsEnded(consul: ConsulAgent): Promise<void> {
  const look = async (): Promise<true | undefined> =>
    (await consulInventory(consul)).some((item) => item.startsWith("session ")) ? undefined : true;
  await until("the end of Terraform's sessions", look, SESSIONS_MS).catch(() => undefined);
}

interface JobView {
  readonly Namespace: string;
  readonly ID: string;
  readonly Status: string;
  readonly Stop: boolean;
}

/** `cdktf destroy` after `npm run drain`: what there was before the first deploy is what there is. */
export async function playDestroy(live: LiveStack, before: Inventories): Promise<readonly Check[]> {
  const { consul } = live.systems;
  await live.deployment.destroy();
  const left = await live.deployment.state();
  // Terraform leaves an empty state where the full one was: whoever undoes it all deletes the key.
  await consul.call("DELETE", `/v1/kv/${STATE_PATH}`);
  await sessionsEnded(consul);
  const after = await inventories(live.systems);
  return [
    check(
      "the state is empty",
      left.map(({ address }) => address),
    ),
    ...Object.entries(after).map(([name, items]) => {
      const known = before[name as keyof Inventories];
      return check(`nothing of it is left in ${name}`, [
        ...items.filter((item) => !known.includes(item)),
        ...known
          .filter((item) => !items.includes(item))
          .map((item) => `${item} is gone, which was there before`),
      ]);
    }),
  ];
}
