import { RUNNER_RELEASE, type RunnerArchive } from "./runner-release";

/** Runners in containers. */
export interface PodmanDriverProps {
  /**
   * Image with the runner, sh, curl and GNU coreutils, pinned by its digest: GitHub gives no jobs to a runner that is 30 days
   * behind, and a node does not pull a tag again that it has.
   * @default - GitHub's image of the release that this package pins
   */
  readonly image?: string;
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

/** Runners in containers of Docker's. */
export interface DockerDriverProps extends PodmanDriverProps {
  /**
   * OCI runtime of the container, as Docker on the node knows it: `runc`; `sysbox-runc`, in which a workflow job may run
   * systemd and Docker as on a machine of its own; `kata`, a virtual machine for each runner. The client's plugin must list it
   * in `allow_runtimes`.
   * @default - Docker's default, runc
   * @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/docker#runtime
   */
  readonly runtime?: string;
}

/** Runners on the node. Exactly one of `archive` and `runnerRoot` says where they are from. */
export interface ExecDriverProps {
  /**
   * Archive of the runner, such as `RUNNER_RELEASE.archives.x64`: Nomad's client fetches it, compares its SHA-256 and unpacks it
   * for each allocation. It unpacks no links (go-getter 1.8.8 makes empty files of them): of GitHub's archive these are `npm`, `npx`
   * and `corepack` of the runner's own Node, which the runner does not call; workflows bring theirs with `setup-node`.
   * @default - none, the runner is installed
   */
  readonly archive?: RunnerArchive;
  /**
   * Directory on the node with the unpacked runner, read-only for `user`: each allocation works on its own copy. The exec driver
   * shows it to tasks only when the client's `chroot_env` names it.
   * @default - none, the runner is fetched
   * @see https://developer.hashicorp.com/nomad/docs/configuration/client#chroot_env-parameters
   */
  readonly runnerRoot?: string;
  /** User that runs workflow code. The runner refuses root. It has to be able to pass through the client's `data_dir`, which
   *  Nomad makes for root alone: `chmod 711` it, or the task ends with `permission denied`. */
  readonly user: string;
}

/** Runners as plain processes of the node. */
export interface RawExecDriverProps extends ExecDriverProps {
  /** Must be true: workflow code sees and changes what its user may on this machine, and the next job finds it so. */
  readonly iKnowThisIsNotIsolated: boolean;
}

/** The job variables that a driver decides. */
export interface DriverVariables {
  readonly driver: "docker" | "podman" | "exec" | "raw_exec";
  readonly image: string;
  readonly runtime: string;
  readonly user: string;
  readonly runner_root: string;
  readonly copy_runner: boolean;
  /** Empty without an archive. */
  readonly archive_url: string;
  /** Empty without an archive. */
  readonly archive_sha256: string;
}

const ON_NODE: Omit<DriverVariables, "driver" | "user"> = {
  image: "",
  runtime: "",
  runner_root: "",
  copy_runner: false,
  archive_url: "",
  archive_sha256: "",
};

/** Where the job unpacks an archive: the directory that start-runner.sh removes at its end. */
const UNPACKED = "${NOMAD_ALLOC_DIR}/runner";

/** What stands between workflow code and the node. */
export class TaskDriver {
  /** A container for each runner: the choice for most.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/docker */
  static docker(props: DockerDriverProps = {}): TaskDriver {
    return TaskDriver.#container("docker", props, props.runtime ?? "");
  }

  /** A container for each runner, of Podman's, by a plugin that the nodes need.
   *  @see https://developer.hashicorp.com/nomad/plugins/drivers/podman */
  static podman(props: PodmanDriverProps = {}): TaskDriver {
    return TaskDriver.#container("podman", props, "");
  }

  /** A chroot and cgroups of Nomad's own, on Linux with a client that runs as root. Of the node's directories a task sees those
   *  that the client's `chroot_env` names.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/exec */
  static exec(props: ExecDriverProps): TaskDriver {
    return new TaskDriver(onNode("exec", props), placeProblems(props));
  }

  /** Nothing: workflow code runs as a process of the node. Only for machines that do nothing else.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/raw_exec */
  static rawExec(props: RawExecDriverProps): TaskDriver {
    const found = placeProblems(props);
    if (!props.iKnowThisIsNotIsolated) {
      found.push(
        `driver: iKnowThisIsNotIsolated must be true for rawExec, got ${String(props.iKnowThisIsNotIsolated)}; nothing stands ` +
          "between workflow code and the node: take docker, podman or exec, or say that you know",
      );
    }
    return new TaskDriver(onNode("raw_exec", props), found);
  }

  static #container(
    driver: "docker" | "podman",
    { image = RUNNER_RELEASE.image, runnerRoot = "/home/runner", user = "" }: PodmanDriverProps,
    runtime: string,
  ): TaskDriver {
    const variables: DriverVariables = { ...ON_NODE, driver, image, runtime, user, runner_root: runnerRoot };
    return new TaskDriver(variables, containerProblems(variables));
  }

  readonly #problems: readonly string[];

  private constructor(
    /** @internal */
    readonly variables: DriverVariables,
    problems: readonly string[],
  ) {
    this.#problems = problems;
  }

  /** Whether a runner is a container. */
  get inContainer(): boolean {
    return this.variables.driver === "docker" || this.variables.driver === "podman";
  }

  /** What is wrong with the choice, one sentence each. */
  problems(): string[] {
    return [...this.#problems];
  }

  /** What is legal and seldom meant, one sentence each. */
  warnings(): string[] {
    const { image } = this.variables;
    if (!this.inContainer || image.includes("@")) return [];
    return [
      `driver: image names no digest, got "${image}": another image may come under the same name. Write it as ` +
        "name:version@sha256:…, or leave it out for the release that this package pins.",
    ];
  }
}

function onNode(
  driver: "exec" | "raw_exec",
  { archive, runnerRoot = "", user }: ExecDriverProps,
): DriverVariables {
  if (archive === undefined) return { ...ON_NODE, driver, user, runner_root: runnerRoot, copy_runner: true };
  const { url: archive_url, sha256: archive_sha256 } = archive;
  return { ...ON_NODE, driver, user, runner_root: UNPACKED, archive_url, archive_sha256 };
}

function containerProblems({ image, runtime, runner_root: root }: DriverVariables): string[] {
  const found: string[] = [];
  if (!/^[^\s@]+(?:@sha256:[0-9a-f]{64})?$/.test(image)) {
    found.push(
      `driver: image must name a container image, with a digest of 64 hex digits if any, got "${image}"; ` +
        "leave it out for GitHub's of the pinned release, or write it as registry.example.com/runner:1.2",
    );
  }
  if (!/^(?:[A-Za-z0-9][A-Za-z0-9_.-]*)?$/.test(runtime)) {
    found.push(`driver: runtime must be a name such as sysbox-runc, got "${runtime}"`);
  }
  return [...found, ...rootProblems(root)];
}

function placeProblems({ archive, runnerRoot, user }: ExecDriverProps): string[] {
  const found: string[] = [];
  if (user === "" || user === "root" || /^0(?::|$)/.test(user)) {
    found.push(
      `driver: user must be an unprivileged user of the node, got "${user}"; the runner refuses root`,
    );
  }
  if ((archive === undefined) === (runnerRoot === undefined)) {
    found.push(
      `driver: must have either archive or runnerRoot, got ${archive === undefined ? "neither" : "both"}; write ` +
        "archive: RUNNER_RELEASE.archives.x64, or name the directory in which the runner is installed",
    );
  }
  if (archive !== undefined) {
    if (!/^https?:\/\/[^\s/]+\/\S+$/.test(archive.url)) {
      found.push(`driver: archive.url must be an http or https URL, got "${archive.url}"`);
    }
    if (!/^[0-9a-f]{64}$/.test(archive.sha256)) {
      found.push(
        `driver: archive.sha256 must be 64 hex digits in lower case, got "${archive.sha256}"; GitHub's release notes have it`,
      );
    }
  }
  return runnerRoot === undefined ? found : [...found, ...rootProblems(runnerRoot)];
}

function rootProblems(root: string): string[] {
  return root.startsWith("/") ? [] : [`driver: runnerRoot must be an absolute path, got "${root}"`];
}
