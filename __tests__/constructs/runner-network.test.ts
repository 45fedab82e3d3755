import { Egress, RunnerNetwork } from "../../index";

describe("RunnerNetwork", () => {
  it.each([
    [RunnerNetwork.driverDefault(), { network_mode: "", container_network: "", dns: null, egress: null }],
    [RunnerNetwork.host(), { network_mode: "host", container_network: "host" }],
    [RunnerNetwork.bridge(), { network_mode: "bridge", container_network: "" }],
    [RunnerNetwork.cni({ name: "runners" }), { network_mode: "cni/runners", container_network: "" }],
  ])("has the modes of what is chosen (%#)", (network, expected) => {
    expect(network.variables).toMatchObject(expected);
    expect(network.problems()).toEqual([]);
  });

  it("gives a group a block for the resolver's sake", () => {
    const dns = {
      servers: ["127.0.0.1", "fd00::53"],
      searches: ["service.consul"],
      options: ["ndots:2", "rotate"],
    };
    const network = RunnerNetwork.driverDefault({ dns });
    expect([network.variables.network_mode, network.variables.dns, network.problems()]).toEqual([
      "host",
      dns,
      [],
    ]);
  });

  it.each([
    [{ servers: [] }, "servers must name 1 to 3 resolvers, got 0"],
    [{ servers: ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"] }, "servers must name 1 to 3 resolvers, got 4"],
    [{ servers: ["10.0.0.1:8600"] }, 'servers must be addresses without a port, got "10.0.0.1:8600"'],
    [{ servers: ["consul"] }, 'servers must be addresses without a port, got "consul"'],
    [
      { servers: ["10.0.0.1"], searches: ["a b"] },
      'searches must be domains such as service.consul, got "a b"',
    ],
    [
      { servers: ["10.0.0.1"], options: ["ndots:x"] },
      'options must be options of resolv.conf such as ndots:2, got "ndots:x"',
    ],
  ])("refuses the resolver %j", (dns, problem) => {
    expect(RunnerNetwork.bridge({ dns }).problems()).toEqual([`network: dns.${problem}`]);
  });

  it("refuses a CNI name that is a path", () => {
    expect(RunnerNetwork.cni({ name: "../x" }).problems()).toEqual([
      'network: name must be that of a CNI configuration on the nodes, got "../x"',
    ]);
  });

  it("carries the fence, and what is wrong with it", () => {
    const egress = Egress.only({ targets: [] });
    const network = RunnerNetwork.bridge({ egress });
    expect(network.variables.egress).toEqual(egress.variables);
    expect(network.problems()).toEqual([
      "network: egress.targets must name at least one destination, got none",
    ]);
  });
});

describe("Egress", () => {
  const targets = [
    { to: "10.1.2.3", ports: [443, 8_443] },
    { to: "fd00::/8" },
    { to: "staging.example.com" },
  ];

  it("opens nothing but the list, or all but it, in its order", () => {
    expect(Egress.only({ targets }).variables.rules).toBe(
      "accept 10.1.2.3 443,8443\naccept fd00::/8 *\naccept staging.example.com *\ndefault reject\n",
    );
    expect(Egress.allBut({ targets }).variables.rules).toBe(
      "reject 10.1.2.3 443,8443\nreject fd00::/8 *\nreject staging.example.com *\ndefault accept\n",
    );
  });

  it("leaves the internet open, with the exceptions before the ranges that are closed", () => {
    const lines = Egress.publicInternet({ except: targets.slice(0, 1) })
      .variables.rules.trimEnd()
      .split("\n");
    expect(lines[0]).toBe("accept 10.1.2.3 443,8443");
    expect(lines).toEqual(
      expect.arrayContaining([
        ...["reject 10.0.0.0/8 *", "reject 172.16.0.0/12 *", "reject 192.168.0.0/16 *"],
        ...["reject 169.254.0.0/16 *", "reject 100.64.0.0/10 *", "reject fc00::/7 *", "reject fe80::/10 *"],
      ]),
    );
    expect(lines.at(-1)).toBe("default accept");
    expect(Egress.publicInternet().problems()).toEqual([]);
  });

  it("takes another image for what writes it", () => {
    expect(Egress.publicInternet({ image: "tools:1" }).variables.image).toBe("tools:1");
    expect(Egress.publicInternet({ image: " " }).problems()).toEqual([
      'network: egress.image must name a container image, got " "',
    ]);
  });

  const what = "must be an address, a range such as 10.0.0.0/8, or a host, got";
  const leave = "; leave scheme, port and path out";
  it.each([
    ["10.0.0.0/33", `targets[0].to ${what} "10.0.0.0/33"${leave}`],
    ["10.0.0", `targets[0].to ${what} "10.0.0"${leave}`],
    ["300.0.0.1", `targets[0].to ${what} "300.0.0.1"${leave}`],
    ["fe80::1%eth0", `targets[0].to ${what} "fe80::1%eth0"${leave}`],
    ["https://example.com", `targets[0].to ${what} "https://example.com"${leave}`],
    ["example.com:443", `targets[0].to ${what} "example.com:443"${leave}`],
    ["a b", `targets[0].to ${what} "a b"${leave}`],
    ["-a.example.com", `targets[0].to ${what} "-a.example.com"${leave}`],
    ["*.example.com", `targets[0].to ${what} "*.example.com"${leave}`],
  ])("refuses %j as a destination", (to, problem) => {
    expect(Egress.allBut({ targets: [{ to }] }).problems()).toEqual([`network: egress.${problem}`]);
  });

  it.each([
    [[], "must hold 1 to 15 ports, got 0; leave it out for all, or write the destination twice"],
    [
      Array.from({ length: 16 }, (_, index) => index + 1),
      "must hold 1 to 15 ports, got 16; leave it out for all, or write the destination twice",
    ],
    [[0, 65_536, 1.5], "must be from 1 to 65535, got 0, 65536, 1.5"],
  ])("refuses the ports %j", (ports, problem) => {
    expect(Egress.only({ targets: [{ to: "10.0.0.1", ports }] }).problems()).toEqual([
      `network: egress.targets[0].ports ${problem}`,
    ]);
  });

  it.each(["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "host", "a-b.example.com"])(
    "takes %s as a destination",
    (to) => {
      expect(Egress.only({ targets: [{ to, ports: [1, 65_535] }] }).problems()).toEqual([]);
    },
  );
});
