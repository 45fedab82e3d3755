/** Runners in containers. */
export interface DockerDriverProps {
  /** Image with the runner, sh, curl and GNU coreutils, with its version: GitHub gives no jobs to a runner that is
   *  30 days behind, and a node does not pull a tag again that it has. */
  readonly image: string;
  /**
   * Directory of the runner in the image.
   * @default "/home/runner"
   */
  readonly runnerRoot?: string;
  /**
   * User in the container.
   * @default - the image's
   */
  readonly user?: string;
}

/** Runners as processes of the node. */
export interface ExecDriverProps {
  /** Directory on the node with the unpacked runner, read-only for `user`: each allocation works on its own copy. */
  readonly runnerRoot: string;
  /** User that runs workflow code. The runner refuses root. It has to be able to pass through the client's `data_dir`, which
   *  Nomad makes for root alone: `chmod 711` it, or the task ends with `permission denied`. */
  readonly user: string;
}

/** The job variables that a driver decides. */
export interface DriverVariables {
  readonly driver: string;
  readonly image: string;
  readonly user: string;
  readonly runner_root: string;
  readonly copy_runner: boolean;
}

/** What stands between workflow code and the node. */
export class TaskDriver {
  /** A container for each runner.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/docker */
  static docker(props: DockerDriverProps): TaskDriver {
    return new TaskDriver({
      driver: "docker",
      image: props.image,
      user: props.user ?? "",
      runner_root: props.runnerRoot ?? "/home/runner",
      copy_runner: false,
    });
  }

  /** A chroot and cgroups of Nomad's own, on Linux with a client that runs as root.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/exec */
  static exec(props: ExecDriverProps): TaskDriver {
    return TaskDriver.#onNode("exec", props);
  }

  /** Nothing: workflow code runs as a process of the node. Only for machines that do nothing else.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/raw_exec */
  static rawExec(props: ExecDriverProps): TaskDriver {
    return TaskDriver.#onNode("raw_exec", props);
  }

  static #onNode(driver: string, { runnerRoot, user }: ExecDriverProps): TaskDriver {
    return new TaskDriver({ driver, image: "", user, runner_root: runnerRoot, copy_runner: true });
  }

  private constructor(
    /** @internal */
    readonly variables: DriverVariables,
  ) {}

  /** What is wrong with the choice, one sentence each. */
  problems(): string[] {
    const { driver, image, user, runner_root: root } = this.variables;
    const found: string[] = [];
    if (driver === "docker" && !/^\S+$/.test(image)) {
      found.push(
        `driver: image must name a container image, got "${image}"; write it as ghcr.io/actions/actions-runner:2.336.0`,
      );
    }
    if (driver !== "docker" && (user === "" || user === "root")) {
      found.push(
        `driver: user must be an unprivileged user of the node, got "${user}"; the runner refuses root`,
      );
    }
    if (!root.startsWith("/")) found.push(`driver: runnerRoot must be an absolute path, got "${root}"`);
    return found;
  }
}
