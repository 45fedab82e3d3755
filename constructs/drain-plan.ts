import type { ConnectorJob } from "./nomad-route";
import { prePullJobId } from "./pre-pulls";
import { resolveRunnerJob } from "./runner-job-props";
import type { RunnersStackProps } from "./runners-stack-props";
import { namespaceOf, stackNameOf } from "./stack-name";

/** What has to end in Nomad before a stack can be destroyed. */
export interface DrainPlan {
  /** Nomad's API as whoever deploys reaches it. */
  readonly nomadAddress: string;
  /** Namespace of the runner jobs. */
  readonly namespace: string;
  /** Ids of the runner classes' parameterized jobs. */
  readonly jobs: readonly string[];
  /** Ids of the periodic jobs that pull the images of classes that ask for it; in the runner jobs' namespace. */
  readonly prePulls: readonly string[];
  /** The connectors, where they are this stack's. */
  readonly connector?: ConnectorJob;
}

/** Reads from a stack's settings which Nomad jobs are its own. Makes nothing. */
export function drainPlan(props: RunnersStackProps): DrainPlan {
  const connector = props.route.connectorJob(stackNameOf(props));
  return {
    nomadAddress: props.nomad.apiAddress,
    namespace: namespaceOf(props),
    jobs: props.classes.map((runnerClass) => resolveRunnerJob(runnerClass).jobId),
    prePulls: props.classes
      .filter(({ prePull }) => prePull)
      .map((runnerClass) => prePullJobId(resolveRunnerJob(runnerClass).jobId)),
    ...(connector && { connector }),
  };
}
