import { type Check, check, holds } from "../report";
import { describe } from "./deploy-scenes";
import type { LiveStack } from "./live-stack";
import { GROUP, HOSTNAME, OWNER, PRIVATE } from "./settings";

/** A group is asked for where the plan has none: the deploy ends before it changes anything, and says why. */
export async function playFreePlan(live: LiveStack): Promise<readonly Check[]> {
  const { github } = live.systems;
  const before = JSON.stringify(github.inventory());
  await live.change({ scope: "organization" });
  const { code, output } = await live.deployment.tryDeploy();
  const said = output.replace(/[│\s]+/g, " ");
  return [
    holds(
      "the deploy ends with the organization's plan",
      code !== 0 && said.includes(`for the runner group "${GROUP}", but its plan is "free"`),
      `ended with ${String(code)}: ${output.slice(-1_500)}`,
    ),
    holds(
      "and has changed nothing at GitHub",
      JSON.stringify(github.inventory()) === before,
      JSON.stringify(github.inventory()),
    ),
  ];
}

/** From a webhook in each repository to one of the organization's, with a group whose id is known at apply only. */
export async function playOrganization(live: LiveStack): Promise<readonly Check[]> {
  const { github } = live.systems;
  github.setPlan(OWNER, "team");
  await live.deployment.deploy();
  const after = await live.deployment.diff();
  const { hooks, groups } = github.inventory();
  const [group] = groups;
  const job = await live.jobs.queue({ repository: PRIVATE, name: "of the organization" });
  await live.jobs.ended([job]);
  const runner = github.jobs().find(({ id }) => id === job.id)?.runnerName;
  const registered = github.events
    .all()
    .flatMap((event) => (event.type === "runner.registered" ? [event.runner] : []))
    .find(({ name }) => name === runner);
  return [
    check("after its deploy there is no change", after.changes.map(describe)),
    holds(
      "the organization has one webhook, and its repositories none",
      hooks.map(({ target, url }) => `${target} ${url}`).join() === `${OWNER} https://${HOSTNAME}/webhook`,
      JSON.stringify(hooks),
    ),
    holds(
      "it has one runner group, of one private repository",
      groups.length === 1 &&
        group?.name === GROUP &&
        group.visibility === "selected" &&
        group.repositories.length === 1 &&
        !group.allowsPublicRepositories,
      JSON.stringify(groups),
    ),
    holds(
      "the job's runner was registered at the organization, in that group",
      registered?.scope === OWNER && registered.groupId === group?.id,
      JSON.stringify(registered),
    ),
    ...(await live.jobs.checks([job])),
  ];
}
