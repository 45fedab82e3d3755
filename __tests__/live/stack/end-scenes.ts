import { type Check, check, holds } from "../report";
import { type Item, consulInventory, forgetEnded, nomadInventory, vaultInventory } from "./inventory";
import type { LiveStack, Systems } from "./live-stack";
import { CLASS_JOB, CONNECTOR_JOB, PRIVATE, SETTINGS_VARIABLE, STATE_PATH } from "./settings";

/** What there is in each of the systems. */
export type Inventories = Readonly<
  Record<"Nomad" | "Consul" | "Vault" | "GitHub" | "Cloudflare", readonly Item[]>
>;

export async function inventories(systems: Systems): Promise<Inventories> {
  const { nomad, consul, vault, github, cloudflare } = systems;
  await forgetEnded(nomad);
  const { hooks, runners } = github.inventory();
  return {
    Nomad: await nomadInventory(nomad),
    Consul: await consulInventory(consul),
    Vault: await vaultInventory(vault, vault.kvMount),
    GitHub: [
      ...hooks.map(({ target, url }) => `webhook ${target} ${url}`),
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
  const alive = jobs.filter(
    ({ ID, Status, Stop }) =>
      (ID.startsWith(CLASS_JOB) || ID === CONNECTOR_JOB) && Status !== "dead" && !Stop,
  );
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

interface JobView {
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
