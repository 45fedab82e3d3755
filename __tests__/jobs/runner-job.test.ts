import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { META_KEYS } from "../../contracts/dispatch";
import { CLASS_BOUNDS } from "../../contracts/policy";
import { type Block, block } from "./support/hcl-block";

const JOBS = resolve(__dirname, "../../jobs");
const SCRIPTS = ["claim.sh", "start-runner.sh", "release-runner.sh", "job-started-hook.sh"];
const text = (name: string): string => readFileSync(join(JOBS, name), "utf8");

let file: Block;
let job: Block;
let group: Block;
let runner: Block;
let release: Block;

beforeAll(async () => {
  file = block(await parse("runner.nomad.hcl", text("runner.nomad.hcl")));
  job = block(file, "job", "runner");
  group = block(job, "group", "runner");
  runner = block(group, "task", "runner");
  release = block(group, "task", "release");
});

test("it takes a payload and exactly the meta keys that the Worker sends", () => {
  expect(job["type"]).toBe("batch");
  expect(block(job, "parameterized")).toEqual({ payload: "required", meta_required: [...META_KEYS] });
});

test("every variable has a type and says what it is", () => {
  const variables = Object.entries(block(file, "variable"));
  expect(variables.length).toBeGreaterThan(15);
  for (const [name, [variable]] of variables as [string, Block[]][]) {
    expect([name, typeof variable?.["type"], typeof variable?.["description"]]).toEqual([
      name,
      "string",
      "string",
    ]);
  }
});

test("only the job's name and the scripts have no default", () => {
  const variables = Object.entries(block(file, "variable")) as [string, Block[]][];
  const required = variables
    .filter(([, [variable]]) => !("default" in (variable ?? {})))
    .map(([name]) => name);
  expect(required.sort()).toEqual(["claim_script", "hook_script", "name", "release_script", "start_script"]);
});

test("its defaults are the contract's", () => {
  const fallback = (name: string): unknown => block(file, "variable", name)["default"];
  expect(fallback("idle_timeout_seconds")).toBe(CLASS_BOUNDS.idleTimeoutSeconds.default);
  expect(fallback("max_duration_seconds")).toBe(CLASS_BOUNDS.maxDurationSeconds.default);
  expect(fallback("allow_forks")).toBe(false);
});

test("every variable is used, and nothing else is referred to", () => {
  const source = text("runner.nomad.hcl");
  const used = new Set([...source.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
  used.delete("");
  expect([...used].sort()).toEqual(Object.keys(block(file, "variable")).sort());
});

test("Nomad neither starts it again nor replaces it of its own accord", () => {
  expect(block(group, "restart")).toMatchObject({ attempts: 0, mode: "fail" });
  expect(block(group, "reschedule")).toEqual({ attempts: 0, unlimited: false });
  expect(block(group, "disconnect")).toMatchObject({ replace: false });
  expect(group).not.toHaveProperty("max_run_duration");
});

test("a render of a template never touches the running task", () => {
  const templates = [runner, release].flatMap((task) => task["template"] as Block[]);
  expect(templates).toHaveLength(5);
  for (const template of templates) expect(template["change_mode"]).toBe("noop");
});

test("the scripts lie where the tasks and each other look for them", () => {
  const destinations = (task: Block): unknown[] =>
    (task["template"] as Block[]).map(({ data, destination }) => [data, destination]);
  expect(destinations(runner)).toEqual([
    ["${var.start_script}", "local/start-runner.sh"],
    ["${var.claim_script}", "local/claim.sh"],
    ["${var.hook_script}", "local/job-started-hook.sh"],
  ]);
  expect(destinations(release)).toEqual([
    ["${var.release_script}", "local/release-runner.sh"],
    ["${var.claim_script}", "local/claim.sh"],
  ]);
  expect(block(runner, "config")["args"]).toEqual(["${NOMAD_TASK_DIR}/start-runner.sh"]);
  expect(block(release, "config")["args"]).toEqual(["${NOMAD_TASK_DIR}/release-runner.sh"]);
});

test("both tasks get the payload, the second one when the first has ended", () => {
  expect(block(runner, "dispatch_payload")).toEqual({ file: "dispatch.json" });
  expect(block(release, "dispatch_payload")).toEqual({ file: "dispatch.json" });
  expect(runner).not.toHaveProperty("lifecycle");
  expect(block(release, "lifecycle")).toEqual({ hook: "poststop" });
});

test("no Nomad, Vault or Consul token reaches workflow code", () => {
  expect(block(runner, "identity")).toEqual({ env: false, file: false });
  for (const task of [job, group, runner, release]) {
    expect(task).not.toHaveProperty("vault");
    expect(task).not.toHaveProperty("consul");
  }
});

test("the task may take longer to stop than the listener's grace", () => {
  expect(runner["kill_timeout"]).toBe("${var.stop_grace_seconds + 30}s");
  expect(block(runner, "env")["RUNNER_STOP_GRACE_SECONDS"]).toBe("${var.stop_grace_seconds}");
});

test("every variable that the task sets is one the script knows", () => {
  const known = `${text("start-runner.sh")}${text("claim.sh")}`;
  for (const name of Object.keys(block(runner, "env")))
    expect(known).toMatch(new RegExp(`^#   ${name} `, "m"));
});

test.each(SCRIPTS)("%s holds no template action and fits a job specification", (name) => {
  // Nomad renders the scripts as templates, and a jobspec may be a Terraform string.
  expect(text(name)).not.toContain("{{");
  expect(Buffer.byteLength(text(name))).toBeLessThan(16_384);
});

test.each([...SCRIPTS, "runner.nomad.hcl"])("%s stays short", (name) => {
  expect(text(name).trimEnd().split("\n").length).toBeLessThanOrEqual(300);
});
