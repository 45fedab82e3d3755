import { join } from "node:path";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Fn, type ITerraformDependable, TerraformAsset } from "cdktf";
import { Construct } from "constructs";
import { hclExpression, literalText } from "./literal-text";
import { type PlacementConstraint, withOperators } from "./placement";
import type { TaskDriver } from "./task-driver";
import { PACKAGE_ROOT } from "./worker-bundle";

/** Minute of the hour: not the full one, at which everything else starts. */
const MINUTE = 7;

/** The drivers that pull. */
const PULLING: ReadonlySet<string> = new Set(["docker", "podman"]);

/** Hours between two looks that make the same times every day. */
const INTERVALS: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 24];

/** Which image is pulled where. */
export interface ImagePrePullProps {
  /** Id of the Nomad job. Another id is another job; the old one is deregistered. */
  readonly jobId: string;
  /** The runner class's driver: it says which image, and what pulls it. */
  readonly driver: TaskDriver;
  /**
   * What else a runner of the class needs, such as the image of its Docker daemon; each image holds `/bin/true`.
   * @default - nothing
   */
  readonly furtherImages?: readonly string[];
  /**
   * Nomad namespace; the class's own.
   * @default "default"
   */
  readonly namespace?: string;
  /**
   * Datacenters of the class.
   * @default - all
   */
  readonly datacenters?: readonly string[];
  /**
   * Node pool of the class.
   * @default "default"
   */
  readonly nodePool?: string;
  /**
   * Placement constraints of the class.
   * @default - none
   */
  readonly constraints?: readonly PlacementConstraint[];
  /**
   * Hours between two looks at every node: 1, 2, 3, 4, 6, 8, 12 or 24.
   * @default 1
   */
  readonly everyHours?: number;
  /**
   * What has to stand before the job, such as its namespace.
   * @default - nothing
   */
  readonly dependsOn?: readonly ITerraformDependable[];
}

/**
 * A `sysbatch` job that pulls a runner class's images on every node that may run the class, on a schedule. Every node pulls a new
 * image at the next time after the deploy that names it; `nomad job periodic force <job>` does it at once. A node that has
 * the image does nothing but start and end one small container.
 *
 * The job is periodic because Nomad collects a `sysbatch` job a day after its last allocation: Terraform would then make
 * it anew with every plan. A periodic one stays, and only one that was stopped by hand is started again.
 *
 * Docker's driver removes an image three minutes after its last container has ended. Set the clients' `image_delay` to
 * more than the interval, or what was pulled does not stay.
 * @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/docker (plugin options, gc)
 */
export class ImagePrePull extends Construct {
  /** Id of the Nomad job. */
  readonly jobId: string;
  /** Namespace of the Nomad job. */
  readonly namespace: string;

  constructor(scope: Construct, id: string, props: ImagePrePullProps) {
    super(scope, id);
    this.jobId = props.jobId;
    this.namespace = props.namespace ?? "default";
    this.node.addValidation({ validate: () => problems(props) });
    const jobspec = new TerraformAsset(this, "Jobspec", {
      path: join(PACKAGE_ROOT, "jobs", "pre-pull.nomad.hcl"),
    });
    new Job(this, "Resource", {
      jobspec: Fn.file(jobspec.path),
      hcl2: { vars: variables(props) },
      // One that was stopped by hand shows in the next plan. A periodic job is never dead otherwise.
      rerunIfDead: true,
      purgeOnDestroy: true,
      dependsOn: [...(props.dependsOn ?? [])],
    });
  }
}

/** The variables of jobs/pre-pull.nomad.hcl, as text and sorted. */
function variables(props: ImagePrePullProps): Record<string, string> {
  const { driver, image } = props.driver.variables;
  return {
    constraints: hclExpression(withOperators(props.constraints ?? [])),
    cron: cron(props.everyHours ?? 1),
    datacenters: hclExpression(props.datacenters ?? ["*"]),
    driver: literalText(driver),
    images: hclExpression([...new Set([image, ...(props.furtherImages ?? [])])]),
    name: literalText(props.jobId),
    namespace: literalText(props.namespace ?? "default"),
    node_pool: literalText(props.nodePool ?? "default"),
  };
}

/** Minute, hour, day, month, weekday. */
function cron(everyHours: number): string {
  const hours = everyHours === 1 ? "*" : everyHours === 24 ? "0" : `*/${String(everyHours)}`;
  return `${String(MINUTE)} ${hours} * * *`;
}

function problems(props: ImagePrePullProps): string[] {
  const { jobId, driver, furtherImages = [], datacenters, everyHours = 1 } = props;
  const found: string[] = [];
  if (jobId.trim() === "") found.push(`jobId: must name a Nomad job, got "${jobId}"`);
  if (!PULLING.has(driver.variables.driver)) {
    found.push(
      `driver: must be one that runs images, got "${driver.variables.driver}"; leave the pre-pull out, or take ` +
        "TaskDriver.docker or TaskDriver.podman",
    );
  }
  for (const image of furtherImages.filter((it) => !/^\S+$/.test(it))) {
    found.push(`furtherImages: must name container images, got "${image}"`);
  }
  if (datacenters?.length === 0) found.push("datacenters: must name at least one, got an empty list");
  if (!INTERVALS.includes(everyHours)) {
    found.push(`everyHours: must be one of ${INTERVALS.join(", ")}, got ${String(everyHours)}`);
  }
  return found;
}
