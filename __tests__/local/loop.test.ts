import { type Loop, LOOP_POLICY, type LoopOptions, startLoop } from "../../local/loop";
import { watchLeftovers } from "../support/leftovers";

const LABELS = ["self-hosted", "linux"];
const LONG_MS = 25_000;

describe("the whole loop", () => {
  let loop: Loop | null = null;
  afterEach(async () => {
    await loop?.close();
    loop = null;
  });
  const start = async (options: LoopOptions = {}): Promise<Loop> => {
    loop = await startLoop(options);
    return loop;
  };
  const ended = async ({ github, nomad }: Loop, jobId: number) => {
    // A runner that is refused a job leaves after some seconds, and after more where other tests run beside this one.
    await github.events.waitFor(
      (event) => event.type === "job.completed" && event.job.id === jobId,
      "the job's end",
      LONG_MS,
    );
    for (const { id } of nomad.children()) {
      await nomad.events.waitFor(
        (event) => event.type === "child.dead" && event.child === id,
        "the runner's end",
        LONG_MS,
      );
    }
    return github.jobs().find(({ id }) => id === jobId);
  };

  test.each([
    ["an App", { credential: "app" }],
    ["a personal access token", { credential: "token" }],
    ["an App, without Access, over a redirecting one", { access: "redirect" }],
    [
      "an organization's runners",
      {
        policy: { scope: "organization" },
        repositories: [{ fullName: "octo-org/example", organization: true }],
      },
    ],
  ] as const)("with %s a waiting job becomes one runner, then nothing runs", async (_what, options) => {
    const running = await start(options);
    const { id } = await running.github.queueJob({
      repository: "octo-org/example",
      labels: LABELS,
      script: "echo ran",
    });
    expect(await ended(running, id)).toMatchObject({ conclusion: "success", log: "ran\n" });
    expect(running.github.runners()).toEqual([]);
    expect(running.nomad.children()).toEqual([
      expect.objectContaining({
        status: "dead",
        token: `${String(id)}:1`,
        meta: expect.objectContaining({ WORKFLOW_JOB: String(id) }) as unknown,
      }),
    ]);
    const [allocation] = running.nomad.children().flatMap(({ allocations }) => allocations);
    expect(allocation?.tasks.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ["runner", 0],
      ["release", 0],
    ]);
  });

  test("workflow code finds no payload, no claim and no JIT config in its allocation or its environment", async () => {
    const running = await start();
    const script = [
      'test ! -e "$NOMAD_TASK_DIR/dispatch.json"',
      "! env | grep -q JITCONFIG",
      '! env | grep -Eq "eyJ[A-Za-z0-9_-]{20,}\\.[A-Za-z0-9_-]{43}"',
      'echo "$NOMAD_META_REPO_FULL_NAME"',
    ].join("\n");
    const { id } = await running.github.queueJob({ repository: "octo-org/example", labels: LABELS, script });
    expect(await ended(running, id)).toMatchObject({ conclusion: "success", log: "octo-org/example\n" });
  });

  test("a fork's pull request that reaches a public repository's runner is failed before its first step", async () => {
    const repositories = [{ fullName: "octo-org/example", private: false }];
    const running = await start({
      repositories,
      policy: { ...LOOP_POLICY, publicRepositories: ["octo-org/example"] },
    });
    const { github } = running;
    // The fork's job waits first, so that GitHub gives it to the runner that the other one asks for.
    const fork = await github.queueJob({
      repository: "octo-org/example",
      labels: LABELS,
      headRepository: "someone/example",
      script: "echo ran",
    });
    await github.queueJob({ repository: "octo-org/example", labels: LABELS, script: "echo ran" });
    const job = await ended(running, fork.id);
    expect(job?.conclusion).toBe("failure");
    expect(job?.log).toContain("refused by this runner");
    expect(job?.log).not.toContain("ran\n");
  });

  test("closing leaves no file and no process behind, also while a job runs", async () => {
    const leftovers = watchLeftovers();
    try {
      const running = await start();
      await running.github.queueJob({ repository: "octo-org/example", labels: LABELS, runMs: 60_000 });
      await running.github.events.waitFor((event) => event.type === "job.in_progress", "the job's start");
      await running.close();
    } finally {
      await loop?.close();
      expect(await leftovers.end()).toEqual({ processes: [], files: [] });
    }
  });
});
