import { existsSync } from "node:fs";
import { argumentListsWith, environmentsWith, filesWith, someClaim, someJitConfig } from "./support/secrets";
import { Task, payload } from "./support/task";
import { type WorkerStub, workerStub } from "./support/worker-stub";

const claim = someClaim();
const jitConfig = someJitConfig();
// Nothing holds a secret in full where only a part was meant to be; a part is enough to find.
const partOfClaim = claim.slice(0, 60);
const partOfJitConfig = jitConfig.slice(0, 60);

const granted = {
  status: 201,
  body: JSON.stringify({ runner_name: "0a1b2c-linux-2-1", encoded_jit_config: jitConfig }),
};

let task: Task;
let worker: WorkerStub | undefined;

beforeEach(() => {
  task = new Task();
});

afterEach(async () => {
  task.remove();
  await worker?.close();
});

describe.each([
  ["dash", ["/bin/sh"]],
  ["bash in POSIX mode", ["bash", "--posix"]],
] as const)("with %s", (_name, shell) => {
  test("the claim is in no argument list, no environment and no file while it is shown", async () => {
    const found: Record<string, unknown>[] = [];
    worker = await workerStub([granted], () => {
      found.push({
        curl: argumentListsWith("--config\0-\0").length > 0,
        arguments: argumentListsWith(partOfClaim),
        environments: environmentsWith(partOfClaim),
        files: filesWith(task.directory, partOfClaim),
        payload: existsSync(task.payloadFile),
      });
    });
    task.start({ shell, payload: payload(worker.claimUrl, claim), plan: [{ exit: 0 }] });

    await task.exited();
    // `curl` shows that the look was worth it: the process that got the claim was running.
    expect(found).toEqual([{ curl: true, arguments: [], environments: [], files: [], payload: false }]);
    expect(task.output).not.toContain(partOfClaim);
  });

  test("the JIT config is in the listener's environment only, and the claim nowhere, while it runs", async () => {
    worker = await workerStub([granted]);
    task.start({ shell, payload: payload(worker.claimUrl, claim), plan: [{}] });
    await task.until(() => task.events.includes("start"), "the listener");

    expect(environmentsWith(partOfJitConfig)).toEqual([task.reported[0]?.pid]);
    expect(argumentListsWith(partOfJitConfig)).toEqual([]);
    expect(filesWith(task.directory, partOfJitConfig)).toEqual([]);
    expect(argumentListsWith(partOfClaim)).toEqual([]);
    expect(environmentsWith(partOfClaim)).toEqual([]);
    expect(filesWith(task.directory, partOfClaim)).toEqual([]);
    expect(existsSync(task.payloadFile)).toBe(false);

    task.signal("SIGTERM");
    await task.exited();
    expect(task.output).not.toContain(partOfJitConfig);
  });

  test("the process of a workflow job does not get the JIT config", async () => {
    worker = await workerStub([granted]);
    const env = { RUNNER_ALLOW_FORKS: "true" };
    task.start({ shell, payload: payload(worker.claimUrl, claim), plan: [{ job: { ms: 60_000 } }], env });
    await task.until(() => task.events.includes("step"), "the workflow job");

    const step = task.reported.find(({ event }) => event === "step");
    expect(environmentsWith(partOfJitConfig)).toEqual([task.reported[0]?.pid]);
    expect(step?.pid).not.toBe(task.reported[0]?.pid);

    task.signal("SIGTERM");
    await task.exited();
  });
});
