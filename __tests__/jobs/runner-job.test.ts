import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { META_KEYS } from "../../contracts/dispatch";
import { CLASS_BOUNDS } from "../../contracts/policy";
import { type Block, block } from "./support/hcl-block";

const JOBS = resolve(__dirname, "../../jobs");
const SCRIPTS = [
  ...["claim.sh", "start-runner.sh", "release-runner.sh", "job-started-hook.sh"],
  ...["docker-daemon.sh", "egress.sh"],
];
const JOBSPEC = ["runner.variables.hcl", "runner.nomad.hcl"];
const text = (name: string): string => readFileSync(join(JOBS, name), "utf8");

/** As Nomad gets it. */
const SOURCE = JOBSPEC.map(text).join("");

let file: Block;
let locals: Block;
let job: Block;
let group: Block;
let runner: Block;
let release: Block;

beforeAll(async () => {
  file = block(await parse("runner.nomad.hcl", SOURCE));
  locals = block(file, "locals");
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

test("only the job's name and the scripts that every class needs have no default", () => {
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
  const used = new Set([...SOURCE.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
  used.delete("");
  expect([...used].sort()).toEqual(Object.keys(block(file, "variable")).sort());
});

test("Nomad neither starts it again nor replaces it of its own accord", () => {
  expect(block(group, "restart")).toMatchObject({ attempts: 0, mode: "fail" });
  expect(block(group, "reschedule")).toEqual({ attempts: 0, unlimited: false });
  expect(block(group, "disconnect")).toMatchObject({ replace: false });
  expect(group).not.toHaveProperty("max_run_duration");
});

/** Every template block, those of dynamic tasks too. */
function templates(): readonly Block[] {
  return [runner, release, ...dynamic(group, "task").map((it) => block(it, "content"))].flatMap((task) =>
    dynamic(task, "template").map((it) => block(it, "content")),
  );
}

function dynamic(from: Block, type: string): readonly Block[] {
  return (from["dynamic"] as Record<string, readonly Block[]>)[type] ?? [];
}

/** The task that a dynamic block makes. */
function dynamicTask(label: string): Block {
  const found = dynamic(group, "task").find(({ labels }) => (labels as string[])[0] === label);
  return block(found, "content");
}

test("a render of a template never touches the running task", () => {
  expect(templates()).toHaveLength(4);
  for (const template of templates()) expect(template["change_mode"]).toBe("noop");
});

test("no text of a script or a hook is taken for a template", () => {
  const delimiter = locals["delimiter"];
  for (const template of templates()) expect(template["left_delimiter"]).toBe("${local.delimiter}");
  for (const name of SCRIPTS) expect(text(name)).not.toContain(delimiter);
});

test("the scripts lie where the tasks and each other look for them", () => {
  const [forRunner] = dynamic(runner, "template");
  expect(forRunner).toMatchObject({
    for_each: '${{ for name, text in local.files : name => text if text != "" }}',
    content: [{ data: "${template.value}", destination: "local/${template.key}" }],
  });
  expect(locals["files"]).toMatchObject({
    "start-runner.sh": "${var.start_script}",
    "claim.sh": "${var.claim_script}",
    "job-started-hook.sh": "${var.hook_script}",
    "user-job-started.sh": "${var.user_started_hook}",
    "user-job-completed.sh": "${var.user_completed_hook}",
  });
  const [forRelease] = dynamic(release, "template");
  expect(forRelease).toMatchObject({
    for_each: { "release-runner.sh": "${local.release_script}", "claim.sh": "${var.claim_script}" },
    content: [{ destination: "local/${template.key}" }],
  });
  expect(block(runner, "config")["args"]).toEqual(["${NOMAD_TASK_DIR}/start-runner.sh"]);
  expect(block(release, "config")["args"]).toEqual(["${NOMAD_TASK_DIR}/release-runner.sh"]);
});

test("both tasks get the payload, the second one when the first has ended", () => {
  expect(block(runner, "dispatch_payload")).toEqual({ file: "dispatch.json" });
  expect(block(release, "dispatch_payload")).toEqual({ file: "dispatch.json" });
  expect(runner).not.toHaveProperty("lifecycle");
  expect(block(release, "lifecycle")).toEqual({ hook: "poststop" });
});

test("what fences the network comes before the runner, with no more rights than it needs", () => {
  const egress = dynamicTask("egress");
  expect(block(egress, "lifecycle")).toEqual({ hook: "prestart" });
  expect(block(egress, "config")).toMatchObject({ cap_drop: ["all"], cap_add: ["net_admin"] });
  for (const task of [runner, release]) expect(block(task, "config")).not.toHaveProperty("cap_add");
  // A packet socket sends past every rule; root in a container has it from some engines.
  expect(block(runner, "config")["cap_drop"]).toBe('${var.egress == null ? null : ["net_raw"]}');
});

test("the daemon is a sidecar before the runner, and no socket of the node is in the job", () => {
  const docker = dynamicTask("docker");
  expect(block(docker, "lifecycle")).toEqual({ hook: "prestart", sidecar: true });
  // Such a path comes into a container by a bind mount; the daemon makes its own.
  expect(SOURCE).not.toMatch(/"[^"]*docker\.sock:[^"]*"/);
  expect(block(runner, "config")["volumes"]).toBe("${local.shared}");
});

test("what the images would keep in anonymous volumes, which Nomad leaves behind, is in none", () => {
  const mount = String(block(dynamicTask("docker"), "config")["mount"]);
  for (const path of ["/var/lib/docker", "/home/rootless/.local/share/docker"])
    expect(mount).toContain(`"${path}"`);
  expect(mount).toContain('type = "tmpfs"');
});

test("what the daemon and its containers wrote is removed as root, when nothing of the workflow runs", () => {
  expect(locals["release_script"]).toBe(
    '${var.docker == null ? var.release_script : "timeout 60 rm -rf /alloc/docker /alloc/tmp\\n${var.release_script}"}',
  );
  expect(release["user"]).toBe('${local.image == null ? var.user : "0"}');
  expect(text("docker-daemon.sh")).toContain('--data-root="$NOMAD_ALLOC_DIR/docker"');
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
  const environment = String((locals["files"] as Block)["docker.env"]).matchAll(/([A-Z_]+)=/g);
  const names = [...Object.keys(block(runner, "env")), ...[...environment].map(([, name]) => name ?? "")];
  expect(names).toContain("RUNNER_WAIT_FOR_DOCKER_SECONDS");
  for (const name of names) expect(known).toMatch(new RegExp(`^#   ${name} `, "m"));
});

test.each(SCRIPTS)("%s holds no template action and fits a job specification", (name) => {
  // Nomad renders the scripts as templates, and a jobspec may be a Terraform string.
  expect(text(name)).not.toContain("{{");
  expect(Buffer.byteLength(text(name))).toBeLessThan(16_384);
});

test.each([...SCRIPTS, ...JOBSPEC])("%s stays short", (name) => {
  expect(text(name).trimEnd().split("\n").length).toBeLessThanOrEqual(300);
});
