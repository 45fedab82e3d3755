import { Token } from "cdktf";
import { hostnameProblems, zoneProblems } from "../../constructs/hostnames";
import { payloadProblems } from "../../constructs/payload-checks";

describe("hostnameProblems", () => {
  it.each(["runners.example.com", "a.b", `${"l".repeat(63)}.example.com`])("takes %s", (hostname) => {
    expect(hostnameProblems("hostname", hostname)).toEqual([]);
  });

  it.each([
    ["a scheme", "https://runners.example.com"],
    ["a path", "runners.example.com/webhook"],
    ["upper case", "Runners.example.com"],
    ["a port", "runners.example.com:443"],
    ["one label", "localhost"],
    ["a trailing dot", "runners.example.com."],
    ["a label of 64 characters", `${"l".repeat(64)}.example.com`],
    ["nothing", ""],
  ])("refuses %s", (_what, hostname) => {
    expect(hostnameProblems("hostname", hostname)).toEqual([
      `hostname: must be a lower-case hostname without scheme or path, got "${hostname}"`,
    ]);
  });
});

describe("zoneProblems", () => {
  it("takes the zone's own name and what lies below it", () => {
    expect(zoneProblems("hostname", "example.com", "example.com")).toEqual([]);
    expect(zoneProblems("hostname", "a.b.example.com", "example.com")).toEqual([]);
  });

  it.each(["runners.example.org", "notexample.com", "com"])("refuses %s", (hostname) => {
    expect(zoneProblems("hostname", hostname, "example.com")).toEqual([
      `hostname: must lie in the zone example.com, got "${hostname}"; Cloudflare serves a hostname only from the zone that holds it`,
    ]);
  });

  it("leaves what is known at apply only to Cloudflare", () => {
    const later = Token.asString({ resolve: () => "${var.hostname}" });
    expect(zoneProblems("hostname", later, "example.com")).toEqual([]);
    expect(hostnameProblems("hostname", later)).toEqual([]);
  });
});

describe("payloadProblems", () => {
  it("takes the longest hostname that there is", () => {
    expect(payloadProblems(`${"l".repeat(249)}.com`)).toEqual([]);
  });

  it("refuses one with which the longest fields pass Nomad's 16 KiB, and only from there on", () => {
    const lengths = Array.from({ length: 2_000 }, (_, index) => 14_000 + index);
    const first = lengths.find((length) => payloadProblems("h".repeat(length)).length > 0) ?? 0;
    expect(first).toBeGreaterThan(14_000);
    expect(payloadProblems("h".repeat(first - 1))).toEqual([]);
    expect(payloadProblems("h".repeat(first))).toEqual([
      `hostname: must keep a dispatch payload within Nomad's 16384 bytes, got ${String(first)} characters; shorten it`,
    ]);
  });
});
