import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { type Block, block } from "./support/hcl-block";

/** What a driver takes: the names and types of its source, which the file names with its version. */
interface Schema {
  readonly attributes: Readonly<Record<string, { readonly type: string; readonly required?: true }>>;
  readonly blocks?: Readonly<Record<string, Schema & { readonly many: boolean }>>;
}
type Task = { readonly driver: string; readonly config: Readonly<Record<string, unknown>> };

const FIXTURES = join(__dirname, "../fixtures/nomad-drivers");
const JOBS = join(__dirname, "../../jobs");
const fixture = (name: string): unknown => JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), "utf8"));

const SCHEMAS = Object.fromEntries(
  ["docker", "podman", "exec", "raw_exec"].map((name) => [name, fixture(name) as Schema]),
);
/** Every way to write the job, as a real Nomad read it: `npm run test:live -- lifecycle` holds it to that. */
const VARIANTS = Object.entries(
  fixture("variants") as Readonly<Record<string, Readonly<Record<string, Task>>>>,
);

const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  bool: (value) => typeof value === "boolean",
  "list(string)": (value) => Array.isArray(value) && value.every((it) => typeof it === "string"),
  "list(map(string))": (value) => Array.isArray(value) && value.every((it) => typeof it === "object"),
  "list(map(number))": (value) => Array.isArray(value) && value.every((it) => typeof it === "object"),
  "map(string)": (value) => typeof value === "object",
};

/** What a driver would refuse of a config, as it refuses a whole one for the first of it. */
function faults({ attributes, blocks = {} }: Schema, config: Readonly<Record<string, unknown>>): string[] {
  const missing = Object.entries(attributes).filter(([name, { required }]) => required && !(name in config));
  const wrong = Object.entries(config).flatMap(([name, value]) => {
    const within = blocks[name];
    if (within !== undefined) {
      const values = (Array.isArray(value) ? value : [value]) as Readonly<Record<string, unknown>>[];
      if (values.length > 1 && !within.many) return [`${name} more than once`];
      return values.flatMap((it) => faults(within, it).map((fault) => `${name}.${fault}`));
    }
    const type = attributes[name]?.type;
    if (type === undefined) return [`${name} is unknown`];
    const fits = FITS[type];
    if (fits === undefined) throw new Error(`the schema has a type that this test does not know: ${type}`);
    return fits(value) ? [] : [`${name} is no ${type}`];
  });
  return [...missing.map(([name]) => `${name} is missing`), ...wrong];
}

test.each(VARIANTS)("what the job asks for with %s is what its drivers take", (_name, tasks) => {
  expect(Object.keys(tasks)).toEqual(expect.arrayContaining(["runner", "release"]));
  for (const [name, { driver, config }] of Object.entries(tasks)) {
    const schema = SCHEMAS[driver];
    if (schema === undefined) throw new Error(`no schema of driver ${driver}`);
    expect([name, faults(schema, config)]).toEqual([name, []]);
  }
});

test("every driver is in a variant, and each extra task", () => {
  const tasks = VARIANTS.flatMap(([, all]) => Object.entries(all));
  expect(new Set(tasks.map(([, { driver }]) => driver))).toEqual(new Set(Object.keys(SCHEMAS)));
  expect(new Set(tasks.map(([name]) => name))).toEqual(new Set(["runner", "release", "docker", "egress"]));
});

test("every key of the job's file is in a variant, and every key of a variant in the file", async () => {
  const source = ["runner.variables.hcl", "runner.nomad.hcl"].map((name) =>
    readFileSync(join(JOBS, name), "utf8"),
  );
  const group = block(await parse("runner.nomad.hcl", source.join("")), "job", "runner", "group", "runner");
  const written = new Map<string, readonly string[]>(
    Object.entries(group["task"] as Readonly<Record<string, unknown>>).map(([name, task]) => [
      name,
      Object.keys(block(block({ task }, "task"), "config")),
    ]),
  );
  for (const task of (group["dynamic"] as { readonly task: readonly Block[] }).task) {
    const [name = ""] = task["labels"] as readonly string[];
    written.set(name, Object.keys(block(task, "content", "config")));
  }
  for (const [name, keys] of written) {
    const seen = VARIANTS.flatMap(([, tasks]) => Object.keys(tasks[name]?.config ?? {}));
    expect([name, [...keys].sort()]).toEqual([name, [...new Set(seen)].sort()]);
  }
});

test.each([
  [{ image: "i", command: "/bin/sh" }, []],
  [{ command: "/bin/sh" }, ["image is missing"]],
  [{ image: "i", cap_ad: ["net_admin"] }, ["cap_ad is unknown"]],
  [{ image: "i", privileged: "true" }, ["privileged is no bool"]],
  [{ image: "i", args: ["a", 1] }, ["args is no list(string)"]],
  [{ image: "i", mount: [{ type: "tmpfs", target: "/a" }, { typ: "bind" }] }, ["mount.typ is unknown"]],
  [{ image: "i", healthchecks: [{ disable: true }, { disable: true }] }, ["healthchecks more than once"]],
])("%j is held to the schema", (config, expected) => {
  expect(faults(SCHEMAS["docker"] as Schema, config)).toEqual(expected);
});
