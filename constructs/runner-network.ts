import { isIP } from "node:net";
import type { Egress } from "./egress";

/** Who answers a runner's questions of names, in place of the node's resolver. */
export interface DnsProps {
  /** Addresses of the resolvers, one to three, such as that of the node's Consul agent. */
  readonly servers: readonly string[];
  /**
   * Domains that short names are tried in, such as `service.consul`.
   * @default - none
   */
  readonly searches?: readonly string[];
  /**
   * Options of the resolver, such as `ndots:2`.
   * @default - none
   * @see https://man7.org/linux/man-pages/man5/resolv.conf.5.html
   */
  readonly options?: readonly string[];
}

/** Settings of every network. */
export interface NetworkProps {
  /**
   * The runner's resolver.
   * @default - the node's
   * @see https://developer.hashicorp.com/nomad/docs/job-specification/network#dns-parameters
   */
  readonly dns?: DnsProps;
}

/** Settings of a network of the runner's own. */
export interface OwnNetworkProps extends NetworkProps {
  /**
   * What can be reached from it.
   * @default - everything
   */
  readonly egress?: Egress;
}

/** A network of a CNI configuration on the node. */
export interface CniNetworkProps extends OwnNetworkProps {
  /** Name of the configuration, as its file has it. */
  readonly name: string;
}

/** The job variables that a network decides. */
export interface NetworkVariables {
  readonly network_mode: string;
  readonly container_network: string;
  readonly dns: Required<DnsProps> | null;
  readonly egress: { readonly rules: string; readonly image: string } | null;
}

/** resolv.conf takes no more. @see https://man7.org/linux/man-pages/man5/resolv.conf.5.html */
const MAX_SERVERS = 3;
const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?$/;
const OPTION = /^[a-z][a-z0-9-]*(?::\d+)?$/;
const CNI_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** Which network a runner is in. There is no `none`: a runner has to reach GitHub. */
export class RunnerNetwork {
  /** The driver's default: Docker's and Podman's bridge for a container, the node's network for `exec` and `rawExec`. */
  static driverDefault({ dns }: NetworkProps = {}): RunnerNetwork {
    // A group's block is where a resolver is set; `host` is what a group has without one.
    return new RunnerNetwork("default", dns === undefined ? "" : "host", "", dns, undefined);
  }

  /** The node's own network: a job reaches what listens on the node's 127.0.0.1, and its ports are the node's. */
  static host({ dns }: NetworkProps = {}): RunnerNetwork {
    return new RunnerNetwork("host", "host", "host", dns, undefined);
  }

  /** A network namespace of the allocation's own, on Nomad's bridge. The nodes need the CNI plugins.
   *  @see https://developer.hashicorp.com/nomad/docs/job-declare/networking/cni */
  static bridge({ dns, egress }: OwnNetworkProps = {}): RunnerNetwork {
    return new RunnerNetwork("own", "bridge", "", dns, egress);
  }

  /** A network namespace of the allocation's own, made by a CNI configuration of the nodes. */
  static cni({ name, dns, egress }: CniNetworkProps): RunnerNetwork {
    const found = CNI_NAME.test(name)
      ? []
      : [`network: name must be that of a CNI configuration on the nodes, got "${name}"`];
    return new RunnerNetwork("own", `cni/${name}`, "", dns, egress, found);
  }

  readonly #problems: readonly string[];

  private constructor(
    /** Whose network it is. */
    readonly kind: "default" | "host" | "own",
    network_mode: string,
    container_network: string,
    dns: DnsProps | undefined,
    egress: Egress | undefined,
    problems: readonly string[] = [],
  ) {
    const { servers = [], searches = [], options = [] } = dns ?? {};
    this.variables = {
      network_mode,
      container_network,
      dns: dns === undefined ? null : { servers, searches, options },
      egress: egress?.variables ?? null,
    };
    this.#problems = [
      ...problems,
      ...(dns === undefined ? [] : dnsProblems({ servers, searches, options })),
      ...(egress?.problems() ?? []),
    ];
  }

  /** @internal */
  readonly variables: NetworkVariables;

  /** What is wrong with the choice, one sentence each. */
  problems(): string[] {
    return [...this.#problems];
  }
}

function dnsProblems({ servers, searches, options }: Required<DnsProps>): string[] {
  const found: string[] = [];
  if (servers.length === 0 || servers.length > MAX_SERVERS) {
    found.push(
      `network: dns.servers must name 1 to ${String(MAX_SERVERS)} resolvers, got ${String(servers.length)}`,
    );
  }
  const rules = [
    ["servers", servers, (text: string) => isIP(text) !== 0, "addresses without a port"],
    ["searches", searches, (text: string) => DOMAIN.test(text), "domains such as service.consul"],
    ["options", options, (text: string) => OPTION.test(text), "options of resolv.conf such as ndots:2"],
  ] as const;
  for (const [name, values, isFine, what] of rules) {
    for (const value of values) {
      if (!isFine(value)) found.push(`network: dns.${name} must be ${what}, got "${value}"`);
    }
  }
  return found;
}
