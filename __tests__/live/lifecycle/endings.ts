import type { NomadAgent } from "../nomad-agent";
import { type Process, descendants, endAll, mentioning } from "../processes";
import type { RunnersNamespace } from "../runners-namespace";
import type { Means } from "./kill-plan";

/** An allocation of a runner, as a list of them tells. */
export interface Listed {
  readonly ID: string;
  readonly JobID: string;
  readonly ClientStatus: string;
  readonly NodeID: string;
  /** Nanoseconds since the epoch. */
  readonly CreateTime: number;
  readonly TaskStates: Readonly<
    Record<
      string,
      {
        readonly State: string;
        readonly Events: readonly { readonly Type: string; readonly DisplayMessage: string }[];
      }
    >
  > | null;
}

/** Every allocation of a namespace. */
export async function listAllocations(agent: NomadAgent, namespace: string): Promise<readonly Listed[]> {
  return (await agent.call("GET", `/v1/allocations?namespace=${namespace}`)) as Listed[];
}

/** What allocations that did not end well, or not at all, have to say, for whoever reads of a failure. */
export async function tellTroubled({
  agent,
  nomad,
  namespace,
}: Omit<Victim, "allocation" | "child">): Promise<void> {
  for (const { ID, JobID, ClientStatus, TaskStates } of await listAllocations(agent, namespace)) {
    if (ClientStatus === "complete") continue;
    console.log(`  ${ClientStatus}: ${ID} of ${JobID}`);
    for (const [task, { Events }] of Object.entries(TaskStates ?? {})) {
      const said = (await nomad.output(ID, task).catch(() => "")).trim().replace(/\n/g, "\n    ");
      const events = Events.map(({ Type, DisplayMessage }) => `${Type}: ${DisplayMessage}`).join("; ");
      console.log(`    ${task}: ${events}\n    ${said}`);
    }
  }
}

/** Where an allocation runs. */
export interface Victim {
  readonly agent: NomadAgent;
  readonly nomad: RunnersNamespace;
  readonly namespace: string;
  readonly allocation: string;
  readonly child: string;
}

/** Ends a runner. @returns once Nomad has taken the order, or the processes are gone; false when there was nothing to end */
export async function endRunner(means: Means, victim: Victim): Promise<boolean> {
  const { agent, nomad, namespace, allocation, child } = victim;
  switch (means) {
    case "stop the job":
      await nomad.stop(child);
      return true;
    case "stop the allocation":
      await agent.call("POST", `/v1/allocation/${allocation}/stop?namespace=${namespace}`);
      return true;
    case "signal":
      return signal(agent, namespace, allocation);
    case "processes": {
      const found = processesOf(allocation);
      endAll(found);
      return found.length > 0;
    }
  }
}

/** A task that has not begun, or is over, takes no signal. */
async function signal(agent: NomadAgent, namespace: string, allocation: string): Promise<boolean> {
  const order = { Signal: "SIGKILL", Task: "runner" };
  const path = `/v1/client/allocation/${allocation}/signal?namespace=${namespace}`;
  return agent.call("POST", path, order).then(
    () => true,
    () => false,
  );
}

/** What an allocation's tasks have started; not Nomad's own processes, which watch over them. */
export function processesOf(allocation: string): readonly Process[] {
  const roots = mentioning(allocation).filter(({ command }) => !isNomads(command));
  const below = descendants(...roots.map(({ pid }) => pid));
  return [...roots, ...below.filter(({ pid }) => !roots.some((root) => root.pid === pid))];
}

/** @see https://github.com/hashicorp/nomad/tree/v2.0.5/client/logmon, …/drivers/shared/executor */
function isNomads(command: string): boolean {
  return /^\S+ (?:logmon|executor)\b/.test(command);
}
