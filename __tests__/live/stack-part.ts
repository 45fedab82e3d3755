import {
  playChangedClass,
  playCredentialsFromVault,
  playDeploy,
  playNoChange,
  playTwoDeploys,
} from "./stack/deploy-scenes";
import { type Inventories, inventories, playDestroy, playDrain } from "./stack/end-scenes";
import { playJobs, playRotation, playScaleToZero, playStrangers } from "./stack/job-scenes";
import { LiveStack, type Systems } from "./stack/live-stack";
import { playGraph, playPlanComment } from "./stack/review-scenes";
import { playFreePlan, playOrganization } from "./stack/organization-scenes";
import type { Check, Report } from "./report";

type Scene = readonly [
  title: string,
  play: (live: LiveStack, before: Inventories) => Promise<readonly Check[]>,
];

/** The stack's life, from the first deploy to the last trace. */
const SCENES: readonly Scene[] = [
  ["cdktf deploy", playDeploy],
  ["cdktf diff after it", playNoChange],
  ["jobs", playJobs],
  ["strangers at the front door", playStrangers],
  ["scale to zero", playScaleToZero],
  ["credentials from Vault", playCredentialsFromVault],
  ["a changed class", playChangedClass],
  ["rotation with jobs arriving", playRotation],
  ["two deploys at once", playTwoDeploys],
  ["the plan as a comment", playPlanComment],
  ["the model and terraform graph", playGraph],
  ["a runner group on GitHub Free", playFreePlan],
  ["organization scope with a group", playOrganization],
  ["npm run drain", playDrain],
  ["cdktf destroy", playDestroy],
];

/** The whole stack on real Terraform, providers, Nomad, Consul and Vault. */
export async function playStackPart(
  systems: Systems,
  terraform: string,
  ground: string,
  report: Report,
  stopped: Promise<never>,
): Promise<void> {
  const live = await LiveStack.make(systems, terraform, ground);
  try {
    const before = await inventories(systems);
    for (const [title, play] of SCENES)
      await report.stage(title, () => Promise.race([play(live, before), stopped]));
    report.versions(...(await live.deployment.providers()));
  } catch (error) {
    const lines = systems.cloudflare.workerLogs().slice(-15).join("\n");
    console.error(`The Worker's last lines:\n${lines}\nNomad's last lines:\n${systems.nomad.log()}`);
    throw error;
  } finally {
    await live.close();
  }
}
