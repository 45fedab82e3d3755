import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { type Block, block } from "./support/hcl-block";

const FILE = "connector.nomad.hcl";
const SOURCE = readFileSync(join(resolve(__dirname, "../../jobs"), FILE), "utf8");

/** A client's `max_kill_timeout` unless it is configured otherwise.
 *  @see https://developer.hashicorp.com/nomad/docs/configuration/client#max_kill_timeout */
const CLIENT_MAX_KILL_TIMEOUT_SECONDS = 30;
/** How long the Worker waits for Nomad's answer to one request. */
const WORKER_REQUEST_SECONDS = 8;
/** How long the provider waits for a deployment when it does not detach.
 *  @see https://github.com/hashicorp/terraform-provider-nomad/blob/v2.5.2/nomad/resource_job.go */
const PROVIDER_TIMEOUT_SECONDS = 300;

function seconds(duration: unknown): number {
  const [, number, unit] = /^(\d+)([sm])$/.exec(String(duration)) ?? [];
  if (number === undefined) throw new Error(`no duration: ${String(duration)}`);
  return Number(number) * (unit === "m" ? 60 : 1);
}

let file: Block;
let job: Block;
let group: Block;
let task: Block;
let environment: string;

beforeAll(async () => {
  file = block(await parse(FILE, SOURCE));
  job = block(file, "job", "connector");
  group = block(job, "group", "connector");
  task = block(group, "task", "cloudflared");
  // An expression stays text in the conversion.
  environment = String(task["env"]);
});

test("every variable has a type and says what it is", () => {
  const variables = Object.entries(block(file, "variable")) as [string, Block[]][];
  expect(variables.length).toBeGreaterThan(10);
  for (const [name, [variable]] of variables) {
    expect([name, typeof variable?.["type"], typeof variable?.["description"]]).toEqual([
      name,
      "string",
      "string",
    ]);
  }
});

test("only its name and where the token lies have no default", () => {
  const variables = Object.entries(block(file, "variable")) as [string, Block[]][];
  const required = variables.filter(([, [variable]]) => !("default" in (variable ?? {})));
  expect(required.map(([name]) => name).sort()).toEqual(["name", "vault_path", "vault_role"]);
});

test("every variable is used, and nothing else is referred to", () => {
  const used = new Set([...SOURCE.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
  expect([...used].sort()).toEqual(Object.keys(block(file, "variable")).sort());
});

test("it is a service that keeps its allocations on distinct nodes", () => {
  expect(job["type"]).toBe("service");
  expect(group["count"]).toBe("${var.count}");
  expect(block(group, "constraint")).toEqual({ operator: "distinct_hosts", value: "true" });
});

test("a new version replaces one connector after the other, and goes back when it does not connect", () => {
  expect(block(group, "update")).toMatchObject({
    max_parallel: 1,
    health_check: "checks",
    auto_revert: true,
  });
  expect(block(group, "service", "check")).toMatchObject({ type: "http", path: "/ready" });
  expect(block(group, "service")).toMatchObject({ port: "metrics", provider: "${var.service_provider}" });
});

test("Nomad gives a version up before Terraform stops waiting, so that the reason is Nomad's", () => {
  const { healthy_deadline, progress_deadline } = block(group, "update");
  expect(seconds(healthy_deadline)).toBeLessThan(seconds(progress_deadline));
  expect(seconds(progress_deadline)).toBeLessThan(PROVIDER_TIMEOUT_SECONDS);
});

test("it never stays down", () => {
  expect(block(group, "restart")).toMatchObject({ mode: "fail" });
  expect(block(group, "reschedule")).toMatchObject({ unlimited: true, max_delay: "5m" });
});

test("it stops within what a client allows, after the requests on their way", () => {
  const grace = seconds(/TUNNEL_GRACE_PERIOD = "(\w+)"/.exec(environment)?.[1]);
  const kill = seconds(task["kill_timeout"]);
  expect(task["kill_signal"]).toBe("SIGTERM");
  expect(grace).toBeGreaterThan(WORKER_REQUEST_SECONDS);
  expect(kill).toBeGreaterThanOrEqual(grace + 5);
  expect(kill).toBeLessThan(CLIENT_MAX_KILL_TIMEOUT_SECONDS);
});

test("the token is in a file that the template writes, and in nothing that Nomad shows", () => {
  const template = block(task, "template");
  expect(template["data"]).toBe('{{ with secret "${var.vault_path}" }}{{ .Data.data.token }}{{ end }}');
  expect(template).toMatchObject({ destination: "secrets/tunnel-token", error_on_missing_key: true });
  expect(environment).toContain('TUNNEL_TOKEN_FILE   = "${NOMAD_SECRETS_DIR}/tunnel-token"');
  expect(environment).not.toMatch(/TUNNEL_TOKEN\b\s*=/);
  expect(block(task, "config")["args"]).toEqual(["tunnel", "run"]);
});

test("another user than the one that writes the token may read it, and none may change it", () => {
  expect(block(task, "template")["perms"]).toBe("0444");
});

test("another token restarts it", () => {
  expect(block(task, "template")).toMatchObject({ change_mode: "restart", splay: "30s" });
});

test("it logs in to Vault by its own identity, and the task sees neither that nor Vault's token", () => {
  expect(block(task, "vault")).toEqual({
    role: "${var.vault_role}",
    env: false,
    disable_file: true,
    change_mode: "noop",
  });
  expect(task["identity"]).toEqual([
    { name: "vault_default", aud: ["${var.vault_audience}"], env: false, file: false, ttl: "1h" },
    { env: false, file: false },
  ]);
});

test("it does not replace itself, and what it sets goes before a user's settings", () => {
  expect(environment).toMatch(/^\$\{merge\(var\.environment, \{/);
  expect(environment).toContain('NO_AUTOUPDATE = "true"');
});

test("its metrics listen on the node's address, on every address only in a network of the container's own", () => {
  expect(environment).toMatch(
    /TUNNEL_METRICS = var\.driver == "docker" && var\.docker_network == "bridge" \? "0\.0\.0\.0:\$\{NOMAD_PORT_metrics\}" : "\$\{NOMAD_ADDR_metrics\}"/,
  );
});
