import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { META_KEYS } from "../../contracts/dispatch";
import { readJobspec } from "../../local/nomad/jobspec";

const JOBS = join(__dirname, "../../jobs");
const SCRIPTS = {
  start_script: "START",
  claim_script: "CLAIM",
  hook_script: "HOOK",
  release_script: "RELEASE",
};

describe("reading a job specification", () => {
  let directory: string;
  let RUNNER_JOB: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobspec-test-"));
    RUNNER_JOB = join(directory, "runner.nomad.hcl");
    const parts = ["runner.variables.hcl", "runner.nomad.hcl"].map((name) => readFileSync(join(JOBS, name)));
    await writeFile(RUNNER_JOB, Buffer.concat(parts));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const read = async (text: string, variables = {}) => {
    const file = join(directory, "x.nomad.hcl");
    await writeFile(file, text);
    return readJobspec(file, variables);
  };
  const job = (task: string): string => `variable "v" {
  default = "value"
}
variable "n" {
  default = 10
}
job "j" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/true"
      }
      ${task}
    }
  }
}`;

  test("the runner's job takes what the Worker sends", async () => {
    const spec = await readJobspec(RUNNER_JOB, { ...SCRIPTS, name: "github-runner-linux" });
    expect(spec.id).toBe("github-runner-linux");
    expect(spec.parameterized).toEqual({
      payload: "required",
      metaRequired: [...META_KEYS],
      metaOptional: [],
    });
  });

  test("the runner's job has a main and a poststop task, each with its payload and its scripts", async () => {
    const { tasks } = await readJobspec(RUNNER_JOB, {
      ...SCRIPTS,
      name: "j",
      idle_timeout_seconds: 7,
      stop_grace_seconds: 2,
    });
    expect(tasks.map(({ name, lifecycle, payloadFile }) => [name, lifecycle, payloadFile])).toEqual([
      ["runner", "main", "dispatch.json"],
      ["release", "poststop", "dispatch.json"],
    ]);
    const [runner, release] = tasks;
    expect(runner?.env).toMatchObject({ RUNNER_IDLE_TIMEOUT_SECONDS: "7", RUNNER_COPY: "false" });
    expect(runner?.args).toEqual(["${NOMAD_TASK_DIR}/start-runner.sh"]);
    expect(runner?.templates.map(({ data }) => data).sort()).toEqual(["CLAIM", "HOOK", "START"]);
    expect(release?.templates.map(({ data }) => data).sort()).toEqual(["CLAIM", "RELEASE"]);
    expect(runner?.killSignal).toBe("SIGTERM");
    expect(runner?.killTimeoutMs).toBe(32_000);
  });

  test("the runner's job gets a hook of the user's when there is one, and the way to it", async () => {
    const variables = { ...SCRIPTS, name: "j" };
    const without = (await readJobspec(RUNNER_JOB, variables)).tasks[0];
    expect(without?.env).toMatchObject({ RUNNER_USER_STARTED_HOOK: "", RUNNER_USER_COMPLETED_HOOK: "" });
    const user_started_hook = 'echo "${A:-b}" {{ x }}';
    const { tasks } = await readJobspec(RUNNER_JOB, { ...variables, user_started_hook });
    expect(tasks[0]?.env["RUNNER_USER_STARTED_HOOK"]).toBe("${NOMAD_TASK_DIR}/user-job-started.sh");
    expect(tasks[0]?.templates).toContainEqual({
      data: user_started_hook,
      destination: "local/user-job-started.sh",
      mode: 0o644,
    });
  });

  test("a template with delimiters of its own may hold what looks like an action", async () => {
    const template = 'template {\n data = "{{ x }}"\n destination = "local/x"\n left_delimiter = "<<<"\n }';
    const { tasks } = await read(job(template));
    expect(tasks[0]?.templates).toEqual([{ data: "{{ x }}", destination: "local/x", mode: 0o644 }]);
  });

  test("a variable that is needed and missing, or given and unknown, is named", async () => {
    await expect(readJobspec(RUNNER_JOB, SCRIPTS)).rejects.toThrow("variable name has no default");
    await expect(readJobspec(RUNNER_JOB, { ...SCRIPTS, name: "j", nope: 1 })).rejects.toThrow(
      "has no variable nope",
    );
  });

  test("values are literals, variables, sums, and Nomad's own interpolation", async () => {
    const env = 'env {\n A = "a-${var.v}"\n B = "${var.n + 5}s"\n C = "${NOMAD_TASK_DIR}/x"\n D = true\n }';
    const { tasks } = await read(job(env), { v: "w" });
    expect(tasks[0]?.env).toEqual({ A: "a-w", B: "15s", C: "${NOMAD_TASK_DIR}/x", D: "true" });
    expect(tasks[0]).toMatchObject({ killSignal: "SIGINT", killTimeoutMs: 5_000, payloadFile: null });
  });

  test("locals, and a choice by whether a variable is empty, are evaluated", async () => {
    const head =
      'locals {\n l = "${var.v}!"\n}\nvariable "e" {\n default = ""\n}\nvariable "o" {\n default = null\n}\n';
    const env = `env {
      A = local.l
      B = var.e == "" ? "none" : var.e
      C = var.v == "" ? "none" : var.v
      D = var.o == null ? "\${NOMAD_TASK_DIR}/x" : "some"
    }`;
    const { tasks } = await read(head + job(env));
    expect(tasks[0]?.env).toEqual({ A: "value!", B: "none", C: "value", D: "${NOMAD_TASK_DIR}/x" });
  });

  test("a dynamic template is one for each text that is not empty", async () => {
    const template = (for_each: string): string => `dynamic "template" {
      for_each = ${for_each}
      content {
        data        = template.value
        destination = "local/\${template.key}"
      }
    }`;
    const head = 'locals {\n files = { a = var.v, b = "" }\n}\n';
    const filtered = template('{ for name, text in local.files : name => text if text != "" }');
    const files = async (text: string): Promise<unknown> =>
      (await read(text)).tasks[0]?.templates.map(({ data, destination }) => [data, destination]);
    expect(await files(head + job(filtered))).toEqual([["value", "local/a"]]);
    expect(await files(job(template('{ c = var.v, d = "e" }')))).toEqual([
      ["value", "local/c"],
      ["e", "local/d"],
    ]);
  });

  test.each(["task", "artifact"])("a dynamic %s is refused where there would be one", async (type) => {
    const dynamic = (list: string): string => `dynamic "${type}" {\n for_each = ${list}\n content {\n }\n}`;
    const text = (list: string): string =>
      type === "task" ? job("").replace('task "t"', `${dynamic(list)}\n task "t"`) : job(dynamic(list));
    await expect(read(text('var.v == "" ? [] : [var.v]'))).rejects.toThrow(
      `has no ${type} of a dynamic block`,
    );
    expect((await read(text('var.v == "" ? [var.v] : []'))).tasks).toHaveLength(1);
  });

  test.each([
    ["a local that there is not", "env {\n A = local.q\n }", "uses local q"],
    ["an expression", 'env {\n A = upper("x")\n }', "evaluates var.<name>"],
    ["a variable that is not declared", 'env {\n A = "${var.q}"\n }', "uses variable q"],
    [
      "a template action",
      'template {\n data = "{{ key \\"x\\" }}"\n destination = "local/x"\n }',
      "no template actions",
    ],
    ["a prestart task", 'lifecycle {\n hook = "prestart"\n }', "main and poststop"],
    ["a duration without a unit", 'kill_timeout = "90"', "a duration is"],
  ])("%s is refused, not guessed", async (_what, text, message) => {
    await expect(read(job(text))).rejects.toThrow(message);
  });

  test("a file without a job, or with two groups, is refused", async () => {
    await expect(read('variable "v" {\n default = 1\n}')).rejects.toThrow("has no job");
    const groups = 'job "j" {\n group "a" {\n }\n group "b" {\n }\n}';
    await expect(read(groups)).rejects.toThrow("one group");
  });

  test("rules of dispatch have Nomad's default and no other payload word", async () => {
    const spec = await read('job "j" {\n parameterized {\n meta_optional = ["A"]\n }\n group "g" {\n }\n}');
    expect(spec.parameterized).toEqual({ payload: "optional", metaRequired: [], metaOptional: ["A"] });
    const wrong = 'job "j" {\n parameterized {\n payload = "maybe"\n }\n group "g" {\n }\n}';
    await expect(read(wrong)).rejects.toThrow("optional, required or forbidden, got maybe");
  });
});
