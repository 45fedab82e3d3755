import { type Check, check } from "../report";
import { type Item, consulInventory, forgetEnded, nomadInventory, vaultInventory } from "./inventory";
import type { LiveStack, Systems } from "./live-stack";
import { STATE_PATH } from "./settings";

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
