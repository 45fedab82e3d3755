import type { RunnerClassProps } from "./on-demand-runners-props";
import { resolveRunnerJob } from "./runner-job-props";

const DEFAULT_PREFIX = "github-runner-";

/**
 * Ids of the classes' constructs, in the order of the classes, each once.
 *
 * An id is made of the Nomad job's, which is the class's name unless the settings say otherwise. So a class that is
 * renamed and keeps its job keeps its address: as another resource, the job would be registered and, under the same id,
 * deregistered, in whatever order Terraform comes to it.
 *
 * A name that is empty, or there twice, is reported with all else that is wrong, so it must not stop synth before.
 */
export function classIds(classes: readonly RunnerClassProps[]): readonly string[] {
  const taken = new Set<string>();
  return classes.map((runnerClass) => {
    const wanted = idOf(resolveRunnerJob(runnerClass).jobId);
    let id = wanted;
    for (let count = 2; taken.has(id); count += 1) id = `${wanted}-${String(count)}`;
    taken.add(id);
    return id;
  });
}

function idOf(jobId: string): string {
  const name = jobId.startsWith(DEFAULT_PREFIX) ? jobId.slice(DEFAULT_PREFIX.length) : `Job-${jobId}`;
  // As constructs would write it, so that two do not become one there.
  return name.replaceAll("/", "--") || "Unnamed";
}
