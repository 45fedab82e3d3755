import { randomBytes } from "node:crypto";
import { onFreePorts } from "../agent";
import { startConsulAgent } from "../consul-agent";
import { type Check, check, notHere } from "../report";
import { startVaultAgent } from "../vault-agent";
import type { ApiAnswer } from "./collector";
import type { World } from "./place";
import { type ProbeOrders, consulApi, vaultApi } from "./probe-orders";
import type { NamedSecret } from "./secret-search";

/** Consul with Terraform's state and Vault with the connector's secret, as they stand beside Nomad. */
export interface Neighbours {
  readonly apis: ProbeOrders["apis"];
  readonly secrets: readonly NamedSecret[];
  /** What they have to have answered; what is not there is told of. */
  judge(answers: readonly ApiAnswer[]): readonly Check[];
  close(): Promise<void>;
}

const STATE_PATH = "terraform/github-runners";
const STATE_RULES = `key_prefix "terraform/" {\n  policy = "write"\n}\n`;

interface Neighbour extends Neighbours {
  readonly pid?: number;
}

/** Starts those whose programs are on this machine. */
export async function startNeighbours(world: World): Promise<Neighbours> {
  const consul = await startConsul(world);
  const vault = await startVault(world).catch(async (error: unknown) => {
    await consul.close();
    throw error;
  });
  return {
    apis: [...consul.apis, ...vault.apis],
    secrets: [...consul.secrets, ...vault.secrets],
    judge: (answers) => [...consul.judge(answers), ...vault.judge(answers)],
    close: async () => {
      await vault.close();
      await consul.close();
    },
  };
}

async function startConsul({ consul }: World): Promise<Neighbour> {
  const text = "Consul's state path answers 403, whatever is shown";
  if (consul === null) return absent(text, "there is no consul");
  const agent = await onFreePorts(() => startConsulAgent(consul.file));
  const state = made("Terraform's state in Consul");
  const token = await agent.limitedToken("state", STATE_RULES);
  await agent.call("PUT", `/v1/kv/${STATE_PATH}`, { secret: state.text });
  const path = `/v1/kv/${STATE_PATH}`;
  return {
    apis: [consulApi(portOf(agent.url), STATE_PATH)],
    secrets: [state, { name: "Consul's token of whoever deploys", text: token }],
    judge: (answers) => [refused(text, answers, "Consul", path)],
    close: () => agent.close(),
  };
}

async function startVault({ vault }: World): Promise<Neighbour> {
  const text = "Vault's secrets answer 403, whatever is shown";
  if (vault === null) return absent(text, "there is no vault and no bao");
  const agent = await onFreePorts(() => startVaultAgent(vault.file));
  const secret = made("the connector's secret in Vault");
  const path = `${agent.kvMount}/data/github-runners/connector`;
  await agent.call("POST", `/v1/${path}`, { data: { token: secret.text } });
  return {
    apis: [vaultApi(portOf(agent.url), path)],
    secrets: [secret, { name: "Vault's root token", text: agent.token }],
    judge: (answers) => [refused(text, answers, "Vault", `/v1/${path}`)],
    close: () => agent.close(),
  };
}

function absent(text: string, why: string): Neighbour {
  return { apis: [], secrets: [], judge: () => [notHere(text, why)], close: () => Promise.resolve() };
}

function refused(text: string, answers: readonly ApiAnswer[], api: string, path: string): Check {
  const those = answers.filter((it) => it.api === api && it.path.startsWith(path) && it.status !== 0);
  const wrong = those.filter(({ status }) => status !== 403).map(({ status }) => String(status));
  return check(text, those.length === 0 ? ["no answer at all"] : [...new Set(wrong)]);
}

function made(name: string): NamedSecret {
  return { name, text: randomBytes(24).toString("hex") };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
