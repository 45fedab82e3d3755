import { isAbsolute } from "node:path";

/** What every driver takes. */
export interface ConnectorDriverProps {
  /**
   * Further settings of cloudflared as environment variables, such as `TUNNEL_TRANSPORT_PROTOCOL`. No secrets: Nomad
   * shows them to whoever may read the job.
   * @default - none
   * @see https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/configure-tunnels/cloudflared-parameters/run-parameters/
   */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A connector in a container. */
export interface DockerConnectorProps extends ConnectorDriverProps {
  /**
   * Image whose entrypoint is cloudflared, with its version.
   * @default - the official image, at the version that this package was tested against
   */
  readonly image?: string;
  /**
   * `host`: the node's network, so that an origin of `127.0.0.1` is the node's own Nomad agent. `bridge`: a network of
   * its own, for an origin that has an address.
   * @default "host"
   */
  readonly network?: "host" | "bridge";
}

/** A connector as a program of the node. */
export interface ExecConnectorProps extends ConnectorDriverProps {
  /** Absolute path of cloudflared on the node, or of a program that takes its environment and `tunnel run`. */
  readonly command: string;
  /**
   * User that it runs as.
   * @default - the driver's: `nobody` for exec, the agent's for raw_exec
   */
  readonly user?: string;
}

/** The variables of jobs/connector.nomad.hcl that a driver decides. */
export interface ConnectorVariables {
  readonly driver: string;
  readonly image: string;
  readonly docker_network: string;
  readonly command: string;
  readonly user: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** As in jobs/connector.nomad.hcl. @see https://hub.docker.com/r/cloudflare/cloudflared/tags */
const IMAGE = "cloudflare/cloudflared:2026.8.2";

/** What the job sets itself, or what would show the token. */
const RESERVED = [
  "NO_AUTOUPDATE",
  "TUNNEL_GRACE_PERIOD",
  "TUNNEL_METRICS",
  "TUNNEL_TOKEN",
  "TUNNEL_TOKEN_FILE",
];
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What a connector runs in. */
export class ConnectorDriver {
  /** A container of the official image.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/docker */
  static docker(props: DockerConnectorProps = {}): ConnectorDriver {
    const { environment = {}, image = IMAGE, network = "host" } = props;
    return new ConnectorDriver({
      driver: "docker",
      image,
      docker_network: network,
      command: "",
      user: "",
      environment,
    });
  }

  /** The node's cloudflared within a chroot and cgroups of Nomad's own, on Linux with a client that runs as root.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/exec */
  static exec(props: ExecConnectorProps): ConnectorDriver {
    return ConnectorDriver.#onNode("exec", props);
  }

  /** The node's cloudflared as a plain process.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/task-driver/raw_exec */
  static rawExec(props: ExecConnectorProps): ConnectorDriver {
    return ConnectorDriver.#onNode("raw_exec", props);
  }

  static #onNode(
    driver: string,
    { command, environment = {}, user = "" }: ExecConnectorProps,
  ): ConnectorDriver {
    return new ConnectorDriver({ driver, image: "", docker_network: "host", command, user, environment });
  }

  private constructor(
    /** @internal */
    readonly variables: ConnectorVariables,
  ) {}

  /** What is wrong with the choice, one sentence each. */
  problems(): string[] {
    const { driver, image, command, environment } = this.variables;
    const found: string[] = [];
    if (driver === "docker" && image.trim() === "")
      found.push(`driver: image must name a container image, got "${image}"`);
    if (driver !== "docker" && !isAbsolute(command))
      found.push(`driver: command must be an absolute path on the node, got "${command}"`);
    for (const name of Object.keys(environment)) {
      if (!VARIABLE.test(name))
        found.push(`driver: environment must have names of letters, digits and _, got "${name}"`);
      if (RESERVED.includes(name))
        found.push(`driver: environment must leave ${name} to the job, which sets it; take it out`);
    }
    return found;
  }
}
