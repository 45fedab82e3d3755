import { isIP } from "node:net";

/** One destination of a list. */
export interface EgressTarget {
  /** IPv4 or IPv6 address, such a range with its bits (`10.0.0.0/8`), or a host, whose addresses are looked up when a runner
   *  starts and hold for its life. */
  readonly to: string;
  /**
   * Ports, of TCP and UDP alike; at most 15.
   * @default - all, and all protocols
   */
  readonly ports?: readonly number[];
}

/** What {@link Egress.publicInternet} leaves open besides. */
export interface PublicEgressProps {
  /**
   * Destinations within the ranges that are closed, such as a private staging host.
   * @default - none
   */
  readonly except?: readonly EgressTarget[];
  /**
   * Image with sh, iptables and ip6tables that writes the rules.
   * @default - Docker's own, by its version
   */
  readonly image?: string;
}

/** Destinations, and what writes the rules. */
export interface EgressProps {
  /** The list; an earlier entry goes before a later one. */
  readonly targets: readonly EgressTarget[];
  /**
   * Image with sh, iptables and ip6tables that writes the rules.
   * @default - Docker's own, by its version
   */
  readonly image?: string;
}

/** Has iptables with both back ends, as its own daemon needs. By tag: a digest is the user's to pin. */
const IMAGE = "docker:29.7.2-dind";

/** Ranges that are nobody's on the internet: private, shared (CGNAT), link-local with the clouds' metadata service, benchmark,
 *  multicast and reserved. The mapped and the translated ones lead to IPv4.
 *  @see https://www.iana.org/assignments/iana-ipv4-special-registry/
 *  @see https://www.iana.org/assignments/iana-ipv6-special-registry/ */
const NOT_PUBLIC = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
  ...["198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"],
  ...["fc00::/7", "fe80::/10", "ff00::/8", "64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0/96"],
  // A public address that Azure uses within its machines only: their metadata, and the certificates of their extensions.
  // https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
  "168.63.129.16/32",
];

/** iptables' multiport takes no more.
 *  @see https://man7.org/linux/man-pages/man8/iptables-extensions.8.html */
const MAX_PORTS = 15;

/** As DNS has it, with a letter, so that it is no address that was mistyped. */
const HOST =
  /^(?=.{1,253}$)(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/**
 * What a runner and its containers may reach. The rules are written in the allocation's network before the runner starts, by a
 * task that leaves; what runs then has no right to change them. Where they cannot be written no runner starts. Loopback and
 * port 53 of the resolvers are always open (who can ask a resolver can still tell it something), and what IPv6 needs of ICMP.
 *
 * A runner has to reach GitHub, the Worker's hostname and what its actions download: GitHub's addresses are many and change
 * (https://docs.github.com/en/actions/reference/runners/self-hosted-runners#requirements-for-communication-with-github), so
 * {@link Egress.publicInternet} fits more often than {@link Egress.only}.
 */
export class Egress {
  /** Nothing but the list. It must hold GitHub and the Worker's hostname. */
  static only({ targets, image }: EgressProps): Egress {
    return new Egress(lines("accept", targets), "reject", image, problemsOf("targets", targets));
  }

  /** Everything but the list. */
  static allBut({ targets, image }: EgressProps): Egress {
    return new Egress(lines("reject", targets), "accept", image, problemsOf("targets", targets));
  }

  /** The internet, and of private, link-local and other special ranges only the exceptions: no node and no cluster API by a private
   *  address, no metadata service of a cloud. Where nodes have public addresses, what listens on these stays reachable. */
  static publicInternet({ except = [], image }: PublicEgressProps = {}): Egress {
    const closed = NOT_PUBLIC.map((to) => ({ to }));
    const found = except.length === 0 ? [] : problemsOf("except", except);
    return new Egress([...lines("accept", except), ...lines("reject", closed)], "accept", image, found);
  }

  readonly #problems: readonly string[];

  private constructor(
    rules: readonly string[],
    otherwise: "accept" | "reject",
    image: string = IMAGE,
    problems: readonly string[],
  ) {
    this.variables = { rules: `${[...rules, `default ${otherwise}`].join("\n")}\n`, image };
    this.#problems = /^\S+$/.test(image)
      ? problems
      : [...problems, `network: egress.image must name a container image, got "${image}"`];
  }

  /** @internal */
  readonly variables: { readonly rules: string; readonly image: string };

  /** What is wrong with the lists, one sentence each. */
  problems(): string[] {
    return [...this.#problems];
  }
}

/** As jobs/egress.sh reads them. */
function lines(word: "accept" | "reject", targets: readonly EgressTarget[]): string[] {
  return targets.map(({ to, ports = [] }) => `${word} ${to} ${ports.length === 0 ? "*" : ports.join(",")}`);
}

function problemsOf(list: string, targets: readonly EgressTarget[]): string[] {
  const found: string[] = [];
  if (targets.length === 0)
    found.push(`network: egress.${list} must name at least one destination, got none`);
  for (const [index, { to, ports }] of targets.entries()) {
    const at = `network: egress.${list}[${String(index)}]`;
    if (!isRange(to) && !HOST.test(to)) {
      found.push(
        `${at}.to must be an address, a range such as 10.0.0.0/8, or a host, got "${to}"; leave scheme, port and path out`,
      );
    }
    if (ports === undefined) continue;
    if (ports.length === 0 || ports.length > MAX_PORTS) {
      found.push(
        `${at}.ports must hold 1 to ${String(MAX_PORTS)} ports, got ${String(ports.length)}; leave it out for all, or ` +
          "write the destination twice",
      );
    }
    const wrong = ports.filter((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
    if (wrong.length > 0) found.push(`${at}.ports must be from 1 to 65535, got ${wrong.join(", ")}`);
  }
  return found;
}

/** An address, or one with the number of its leading bits. */
function isRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || address.includes("%") || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
