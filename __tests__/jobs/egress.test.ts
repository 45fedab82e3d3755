import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Egress } from "../../constructs/egress";

const SCRIPT = join(__dirname, "../../jobs/egress.sh");
const TIMEOUT_MS = 20_000;

/** Takes a table as iptables-restore does, and shows its OUTPUT chain as `iptables -S OUTPUT` does. */
const RESTORE = '#!/bin/sh\ncat >"$FAKE/${0##*/}"\n';
const SHOW = `#!/bin/sh
[ "$*" = "-S OUTPUT" ] || exit 2
table=$FAKE/\${0##*/}-restore
printf '%s\\n' "-P OUTPUT $(sed -n 's/^:OUTPUT \\([A-Z]*\\) .*/\\1/p' "$table")"
grep '^-A OUTPUT' "$table"
exit 0
`;
/** Knows one host with an address of each family, and one with a name only. */
const GETENT = `#!/bin/sh
case "$1 $2" in
  "ahosts staging.example.com") printf '10.9.8.7   STREAM x\\n10.9.8.7   DGRAM\\nfd00::7  STREAM\\n' ;;
  *) exit 2 ;;
esac
`;

let directory: string;

function program(name: string, text: string): void {
  const file = join(directory, "bin", name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "egress-"));
  mkdirSync(join(directory, "bin"));
  for (const name of ["iptables", "ip6tables"]) {
    program(name, SHOW);
    program(`${name}-restore`, RESTORE);
  }
  program("getent", GETENT);
  writeFileSync(join(directory, "resolv.conf"), "search x\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\n");
  writeFileSync(join(directory, "if_inet6"), "");
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function run(rules: string, environment: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  const file = join(directory, "rules");
  writeFileSync(file, rules);
  return spawnSync("sh", [SCRIPT, file], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    env: {
      PATH: `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`,
      FAKE: directory,
      EGRESS_RESOLV_CONF: join(directory, "resolv.conf"),
      EGRESS_IF_INET6: join(directory, "if_inet6"),
      ...environment,
    },
  });
}

/** What a program was given to restore. */
function table(name: "iptables" | "ip6tables"): readonly string[] {
  return readFileSync(join(directory, `${name}-restore`), "utf8")
    .trimEnd()
    .split("\n");
}

const RESOLVERS_4 = [
  "-A OUTPUT -d 10.0.0.53 -p tcp -m multiport --dports 53 -j ACCEPT",
  "-A OUTPUT -d 10.0.0.53 -p udp -m multiport --dports 53 -j ACCEPT",
];
const RESOLVERS_6 = [
  "-A OUTPUT -d fe80::1 -p tcp -m multiport --dports 53 -j ACCEPT",
  "-A OUTPUT -d fe80::1 -p udp -m multiport --dports 53 -j ACCEPT",
];
/** Not `echo-request`: it would reach anybody, with whatever it carries. */
const NEIGHBOURS = [133, 135, 136, 143].map(
  (type) => `-A OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type ${String(type)} -j ACCEPT`,
);
const REJECT_4 = "-j REJECT --reject-with icmp-admin-prohibited";
const REJECT_6 = "-j REJECT --reject-with icmp6-adm-prohibited";

test("a list of what is closed is written in its order, after loopback and the resolvers", () => {
  const { status, stdout } = run(
    "accept 10.1.2.3 443,8443\nreject 10.0.0.0/8 *\nreject fc00::/7 *\n\ndefault accept\n",
  );
  expect([status, stdout]).toEqual([0, "egress: 14 rules, then accept\n"]);
  expect(table("iptables")).toEqual([
    ...["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"],
    "-A OUTPUT -o lo -j ACCEPT",
    ...RESOLVERS_4,
    "-A OUTPUT -d 10.1.2.3 -p tcp -m multiport --dports 443,8443 -j ACCEPT",
    "-A OUTPUT -d 10.1.2.3 -p udp -m multiport --dports 443,8443 -j ACCEPT",
    `-A OUTPUT -d 10.0.0.0/8 ${REJECT_4}`,
    "COMMIT",
  ]);
  expect(table("ip6tables").slice(4)).toEqual([
    ...["-A OUTPUT -o lo -j ACCEPT", ...NEIGHBOURS, ...RESOLVERS_6],
    ...[`-A OUTPUT -d fc00::/7 ${REJECT_6}`, "COMMIT"],
  ]);
});

test("a list of what is open closes all the rest, of both families, even of one that it does not name", () => {
  expect(run("accept 10.1.2.3 *\ndefault reject\n").status).toBe(0);
  expect(table("iptables")[3]).toBe(":OUTPUT DROP [0:0]");
  expect(table("iptables").slice(-3)).toEqual([
    "-A OUTPUT -d 10.1.2.3 -j ACCEPT",
    `-A OUTPUT ${REJECT_4}`,
    "COMMIT",
  ]);
  expect(table("ip6tables")[3]).toBe(":OUTPUT DROP [0:0]");
  expect(table("ip6tables").slice(-2)).toEqual([`-A OUTPUT ${REJECT_6}`, "COMMIT"]);
});

test("a host is all of its addresses, each once", () => {
  expect(run("accept staging.example.com 443\ndefault reject\n").status).toBe(0);
  expect(table("iptables").filter((line) => line.includes("10.9.8.7"))).toHaveLength(2);
  expect(table("ip6tables").filter((line) => line.includes("fd00::7"))).toHaveLength(2);
});

test("a kernel without IPv6 needs no rules of it", () => {
  rmSync(join(directory, "if_inet6"));
  program("ip6tables-restore", "#!/bin/sh\nexit 1\n");
  expect(run("default reject\n").status).toBe(0);
});

test.each([
  ["a closed network", Egress.only({ targets: [{ to: "10.0.0.0/8", ports: [22, 443] }] })],
  ["an open one", Egress.allBut({ targets: [{ to: "staging.example.com" }, { to: "::1/128" }] })],
  ["the internet", Egress.publicInternet({ except: [{ to: "staging.example.com", ports: [443] }] })],
])("the rules that the construct writes for %s are understood", (_name, egress) => {
  const { status, stderr } = run(egress.variables.rules);
  expect([status, stderr]).toEqual([0, ""]);
});

describe("no runner starts", () => {
  /** Has nothing been written, and does the script say why? */
  const refuses = (rules: string, words: string): void => {
    const { status, stderr } = run(rules);
    expect([status, stderr]).toEqual([1, `egress: ${words}; no runner starts\n`]);
    expect(existsSync(join(directory, "iptables-restore"))).toBe(false);
  };

  test.each([
    ["", "the rules end without a default"],
    ["accept 10.0.0.1 *\n", "the rules end without a default"],
    ["default accept\nreject 10.0.0.1 *\n", "'default' must be the last line"],
    ["default drop\n", "default must be accept or reject, got 'drop'"],
    ["drop 10.0.0.1 *\ndefault accept\n", "a rule must accept or reject, got 'drop'"],
    ["reject 10.0.0.1\ndefault accept\n", "a line must have three words, got 'reject 10.0.0.1'"],
    ["reject 10.0.0.1 * *\ndefault accept\n", "a line must have three words, got 'reject 10.0.0.1 * *'"],
    [
      "reject 10.0.0.1 80-90\ndefault accept\n",
      "ports must be numbers with commas between them, or *, got '80-90'",
    ],
    [
      "reject 10.0.0.1 80,\ndefault accept\n",
      "ports must be numbers with commas between them, or *, got '80,'",
    ],
    ["reject -j *\ndefault accept\n", "a rule must be for an address or a host, got '-j'"],
    ["reject a;b *\ndefault accept\n", "a rule must be for an address or a host, got 'a;b'"],
    [
      "reject gone.example.com *\ndefault accept\n",
      "no address of gone.example.com is known; name an address, or mend the resolver",
    ],
  ])("with the rules %j", (rules, words) => {
    refuses(rules, words);
  });

  test.each(["iptables", "ip6tables"])("when %s refuses its table", (name) => {
    program(`${name}-restore`, "#!/bin/sh\nexit 1\n");
    const { status, stderr } = run("default reject\n");
    expect([status, stderr]).toEqual([1, `egress: ${name}-restore refused the rules; no runner starts\n`]);
  });

  test("when another policy is in force than was written", () => {
    program("iptables", SHOW.replace("-P OUTPUT $(", "-P OUTPUT NOT$("));
    expect(run("default reject\n").stderr).toBe(
      "egress: iptables shows another policy than DROP; no runner starts\n",
    );
  });

  test("when a rule is not in force that was written", () => {
    program("iptables", SHOW.replace("grep '^-A OUTPUT'", "grep '^-A OUTPUT -o'"));
    expect(run("default accept\n").stderr).toBe(
      "egress: iptables shows 1 rules, wrote 3; no runner starts\n",
    );
  });

  test("when the image has no iptables", () => {
    rmSync(join(directory, "bin", "iptables-restore"));
    const { status } = run("default reject\n", { PATH: `${join(directory, "bin")}:/usr/bin:/bin` });
    expect(status).toBe(1);
  });

  test("when the resolvers or the rules cannot be read", () => {
    expect(run("default reject\n", { EGRESS_RESOLV_CONF: "/nowhere" }).status).toBe(1);
    const { status, stderr } = spawnSync("sh", [SCRIPT, "/nowhere"], {
      encoding: "utf8",
      timeout: TIMEOUT_MS,
    });
    expect([status, stderr]).toEqual([1, "egress: the file of rules cannot be read; no runner starts\n"]);
  });
});
