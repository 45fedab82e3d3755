/** Docker's images of its daemon, by the version whose entrypoint the job was written for. By tag: a digest is the user's to pin.
 *  @see https://hub.docker.com/_/docker */
const DAEMON_IMAGE = "docker:29.7.2-dind";
const ROOTLESS_IMAGE = "docker:29.7.2-dind-rootless";

/** Under which the daemon's container stands, and the runner's with it. */
const SYSBOX = "sysbox-runc";

/** What every daemon takes. */
export interface PrivateDockerProps {
  /**
   * Image of the daemon, pinned by its digest.
   * @default - Docker's own, by its version
   */
  readonly image?: string;
  /**
   * Number of the user that runs the runner in its image, and of this user's group: whom the socket is for.
   * @default 1001, as in GitHub's image
   */
  readonly runnerUid?: number;
  /**
   * CPU share in MHz. What a workflow job starts in containers counts here, not with the runner.
   * @default 500
   */
  readonly cpuMhz?: number;
  /**
   * Memory in MiB for the daemon and all containers of a workflow job together.
   * @default 1024
   */
  readonly memoryMib?: number;
  /**
   * Pull-through mirrors of Docker Hub, as http or https URLs: the daemon is new for every workflow job, so it pulls every image.
   * @default - none
   * @see https://docs.docker.com/docker-hub/image-library/mirror/
   */
  readonly registryMirrors?: readonly string[];
}

/** A daemon that is root on the node. */
export interface PrivilegedDockerProps extends PrivateDockerProps {
  /** Must be true: who may use the daemon is root on the node, and every workflow job of the class may. */
  readonly iKnowThisIsRootOnTheNode: boolean;
}

/** The job variable `docker`. */
export interface DockerVariables {
  readonly image: string;
  readonly runtime: string;
  readonly privileged: boolean;
  readonly user: string;
  readonly socket_group: number;
  readonly network_mode: string;
  readonly cpu: number;
  readonly memory: number;
  readonly registry_mirrors: readonly string[];
}

type Kind = "rootless" | "sysbox" | "privileged";

/**
 * A Docker daemon for each runner of a class, beside it: started before it, gone with it, in the same network and with the
 * workspace at the same path. No workflow job sees another's images, containers or volumes, and none the node's socket.
 * Needs {@link TaskDriver.docker}. docs/adr/0022-docker-inside-jobs.md says how each kind is fenced, and what was not run.
 */
export class PrivateDocker {
  /** A daemon without root's rights, as the runner's own user. Its container asks for `privileged` all the same, which lifts
   *  the masks of /proc that nested containers cannot be made under; the clients' plugin needs `allow_privileged`.
   *  @see https://docs.docker.com/engine/security/rootless/ */
  static rootless(props: PrivateDockerProps = {}): PrivateDocker {
    return new PrivateDocker("rootless", props, []);
  }

  /** A daemon that is root in a user namespace of Sysbox's; the runner's container runs under it, too. The nodes need Sysbox, and
   *  the clients' plugin `allow_runtimes` with `sysbox-runc`.
   *  @see https://github.com/nestybox/sysbox */
  static sysbox(props: PrivateDockerProps = {}): PrivateDocker {
    return new PrivateDocker("sysbox", props, []);
  }

  /** A daemon that is root on the node. Refused where public repositories or forks get runners. */
  static privileged(props: PrivilegedDockerProps): PrivateDocker {
    const found: string[] = [];
    if (!props.iKnowThisIsRootOnTheNode) {
      found.push(
        `docker: iKnowThisIsRootOnTheNode must be true for privileged, got ${String(props.iKnowThisIsRootOnTheNode)}; every ` +
          "workflow job of the class would be root on the node: take rootless or sysbox, or say that you know",
      );
    }
    return new PrivateDocker("privileged", props, found);
  }

  readonly #problems: readonly string[];

  private constructor(
    /** Which of the three. */
    readonly kind: Kind,
    props: PrivateDockerProps,
    problems: readonly string[],
  ) {
    const { cpuMhz: cpu = 500, memoryMib: memory = 1_024, registryMirrors = [], runnerUid = 1_001 } = props;
    const isRootless = kind === "rootless";
    this.variables = {
      image: props.image ?? (isRootless ? ROOTLESS_IMAGE : DAEMON_IMAGE),
      runtime: kind === "sysbox" ? SYSBOX : "",
      privileged: kind !== "sysbox",
      user: isRootless ? `${String(runnerUid)}:${String(runnerUid)}` : "0",
      socket_group: runnerUid,
      // Sysbox refuses a network namespace that it has not made, such as a group's: nestybox/sysbox#518.
      network_mode: kind === "sysbox" ? "bridge" : "",
      cpu,
      memory,
      registry_mirrors: [...registryMirrors],
    };
    this.#problems = [...problems, ...valueProblems(this.variables)];
  }

  /** @internal */
  readonly variables: DockerVariables;

  /** The runner's own network, where it does not join the group's.
   *  @internal */
  get runnerNetwork(): string {
    return this.kind === "sysbox" ? "container:docker-${NOMAD_ALLOC_ID}" : "";
  }

  /** The runtime that the runner's container needs, or empty for runc.
   *  @internal */
  get runnerRuntime(): string {
    return this.variables.runtime;
  }

  /** What is wrong with the choice, one sentence each. */
  problems(): string[] {
    return [...this.#problems];
  }
}

function valueProblems(variables: DockerVariables): string[] {
  const { image, socket_group: uid, cpu, memory, registry_mirrors: mirrors } = variables;
  const found: string[] = [];
  if (!/^[^\s@]+(?:@sha256:[0-9a-f]{64})?$/.test(image)) {
    found.push(`docker: image must name a container image, got "${image}"; write it as ${DAEMON_IMAGE}`);
  }
  if (!Number.isInteger(uid) || uid < 1 || uid > 65_535) {
    found.push(
      `docker: runnerUid must be a whole number from 1 to 65535, got ${String(uid)}; the runner refuses root`,
    );
  }
  if (!Number.isInteger(cpu) || cpu < 100) {
    found.push(`docker: cpuMhz must be a whole number from 100, got ${String(cpu)}`);
  }
  if (!Number.isInteger(memory) || memory < 256) {
    found.push(`docker: memoryMib must be a whole number from 256, got ${String(memory)}`);
  }
  for (const mirror of mirrors) {
    if (!/^https?:\/\/[A-Za-z0-9.:[\]-]+(?:\/[A-Za-z0-9._~/-]*)?$/.test(mirror)) {
      found.push(`docker: registryMirrors must be http or https URLs without login, got "${mirror}"`);
    }
  }
  return found;
}
