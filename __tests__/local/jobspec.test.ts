import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { META_KEYS } from "../../contracts/dispatch";
import { readJobspec } from "../../local/nomad/jobspec";

const RUNNER_JOB = join(__dirname, "../../jobs/runner.nomad.hcl");
const SCRIPTS = {
  start_script: "START",
  claim_script: "CLAIM",
  hook_script: "HOOK",
  release_script: "RELEASE",
};

describe("reading a job specification", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "jobspec-test-"));
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

  test.each([
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
