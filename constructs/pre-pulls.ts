import { Construct } from "constructs";
import { classIds } from "./class-ids";
import { ImagePrePull, type ImagePrePullProps } from "./image-pre-pull";
import type { RunnerClassProps } from "./on-demand-runners-props";
import { resolveRunnerJob } from "./runner-job-props";

/** Id of the job that pulls a class's image, made of the class's own. */
export function prePullJobId(classJobId: string): string {
  return `${classJobId}-pre-pull`;
}

/**
 * The pre-pull jobs of the classes that ask for one: each goes where its class goes.
 * @param scope below which they stand
 * @param shared what the stack gives to all of them
 */
export function prePullsOf(
  scope: Construct,
  classes: readonly RunnerClassProps[],
  shared: Pick<ImagePrePullProps, "namespace" | "dependsOn">,
): readonly ImagePrePull[] {
  if (!classes.some(({ prePull }) => prePull)) return [];
  const parent = new Construct(scope, "PrePulls");
  const ids = classIds(classes);
  return classes.flatMap((runnerClass, index) => {
    if (!runnerClass.prePull) return [];
    const { jobId, driver, docker, network, ...place } = resolveRunnerJob(runnerClass);
    const further = [docker?.variables.image, network.variables.egress?.image];
    return new ImagePrePull(parent, ids[index] ?? "", {
      ...shared,
      jobId: prePullJobId(jobId),
      driver,
      furtherImages: further.filter((image) => image !== undefined),
      datacenters: place.datacenters,
      nodePool: place.nodePool,
      constraints: place.constraints,
    });
  });
}

/** What is wrong between the pre-pull jobs and the classes' own, one sentence each. */
export function prePullProblems(classes: readonly RunnerClassProps[]): string[] {
  const jobs = classes.map((runnerClass) => resolveRunnerJob(runnerClass).jobId);
  return classes.flatMap(({ className, prePull }, index) => {
    const jobId = prePullJobId(jobs[index] ?? "");
    if (!prePull || !jobs.includes(jobId)) return [];
    return [
      `class "${className}": prePull makes the Nomad job "${jobId}", and another class has that id; give that one another jobId`,
    ];
  });
}
