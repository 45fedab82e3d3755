import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { type Block, block } from "./support/hcl-block";

const FILE = "pre-pull.nomad.hcl";
const SOURCE = readFileSync(join(resolve(__dirname, "../../jobs"), FILE), "utf8");

/** The attributes that the drivers' own schemas have, of those that matter here: Nomad refuses a task with another one.
 *  @see https://github.com/hashicorp/nomad/blob/v2.0.5/drivers/docker/config.go (taskConfigSpec)
 *  @see https://github.com/hashicorp/nomad-driver-podman/blob/main/config.go (taskConfigSpec) */
const IN_BOTH_SCHEMAS: ReadonlySet<string> = new Set([
  ...["image", "image_pull_timeout", "command", "args", "entrypoint", "network_mode", "auth", "volumes"],
]);

let file: Block;
let job: Block;
let group: Block;
let tasks: Block;
let task: Block;

beforeAll(async () => {
  file = block(await parse(FILE, SOURCE));
  job = block(file, "job", "pre-pull");
  group = block(job, "group", "pre-pull");
  tasks = block(group, "dynamic", "task");
  task = block(tasks, "content");
});

test("every variable has a type and says what it is, and every one is used", () => {
  const variables = Object.entries(block(file, "variable")) as [string, Block[]][];
  for (const [name, [variable]] of variables) {
    expect([name, typeof variable?.["type"], typeof variable?.["description"]]).toEqual([
      name,
      "string",
      "string",
    ]);
  }
  const used = new Set([...SOURCE.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
  expect([...used].sort()).toEqual(variables.map(([name]) => name).sort());
});

test("it runs once on every node, and again by a schedule, never twice at once", () => {
  expect(job["type"]).toBe("sysbatch");
  expect(block(job, "periodic")).toMatchObject({ crons: ["${var.cron}"], prohibit_overlap: true });
  expect(block(group, "restart")).toEqual({ attempts: 0, mode: "fail" });
  // Nomad refuses them in a sysbatch job.
  expect(Object.keys(group)).not.toContain("reschedule");
  expect(Object.keys(job)).not.toContain("update");
});

test("it asks for what both container drivers know", () => {
  const config = block(task, "config");
  expect(Object.keys(config).filter((key) => !IN_BOTH_SCHEMAS.has(key))).toEqual([]);
  expect(config).toMatchObject({ image: "${task.value}", command: "/bin/true" });
});

test("it has a task for each image, each of a name of its own", () => {
  expect(tasks).toMatchObject({ for_each: "${var.images}", labels: ["pull-${task.key}"] });
});

test("it leaves room for runners: it is small, and they go first", () => {
  expect(task["resources"]).toEqual([{ cpu: 20, memory: 32 }]);
  // Runners have Nomad's default.
  expect(Number(job["priority"])).toBeLessThan(50);
  const { max_files, max_file_size } = block(task, "logs") as Readonly<Record<string, number>>;
  const { size } = block(group, "ephemeral_disk") as Readonly<Record<string, number>>;
  // Nomad refuses a group whose disk is not larger than its logs.
  expect(size).toBeGreaterThan((max_files ?? 10) * (max_file_size ?? 10));
});

test("it has neither Nomad's token nor a network", () => {
  expect(block(task, "identity")).toEqual({ env: false, file: false });
  expect(block(task, "config")["network_mode"]).toBe("none");
});
