import { existsSync } from "node:fs";
import type { ChildView, NomadJob, NomadTask } from "../../local/nomad/types";
import { type NomadOptions, type NomadStandIn, startNomad } from "../../local/nomad/nomad";
import { isAlive } from "../support/leftovers";

const SECRET = "dispatcher";

describe("children of the Nomad stand-in", () => {
  let nomad: NomadStandIn;
  afterEach(() => nomad.close());

  const task = (script: string, more: Partial<NomadTask> = {}): NomadTask => ({
    name: "main",
    lifecycle: "main",
    command: "/bin/sh",
    args: ["-c", script],
    env: {},
    payloadFile: "payload.json",
    templates: [],
    killSignal: "SIGTERM",
    killTimeoutMs: 2_000,
    ...more,
  });
  const start = async (tasks: readonly NomadTask[], more: Partial<NomadOptions> = {}): Promise<void> => {
    const rules = { payload: "optional", metaRequired: [], metaOptional: ["KEY"] } as const;
    const job: NomadJob = { id: "job", parameterized: rules, stopped: false, tasks };
    const capabilities = ["dispatch-job", "read-job", "list-jobs", "submit-job"] as const;
    nomad = await startNomad({
      jobs: [job],
      tokens: [{ secret: SECRET, capabilities: [...capabilities] }],
      ...more,
    });
  };
  const call = (method: string, path: string, body?: unknown): Promise<Response> => {
    const init: RequestInit = {
      method,
      headers: { "X-Nomad-Token": SECRET },
      signal: AbortSignal.timeout(10_000),
    };
    if (body !== undefined) init.body = JSON.stringify(body);
    return fetch(nomad.url + path, init);
  };
  const dispatch = async (token: string, meta: Record<string, string> = {}): Promise<string> => {
    const Payload = Buffer.from('{"hello":1}').toString("base64");
    const answer = await call("POST", `/v1/job/job/dispatch?idempotency_token=${token}`, {
      Payload,
      Meta: meta,
    });
    return ((await answer.json()) as { DispatchedJobID: string }).DispatchedJobID;
  };
  const reaches = (type: string, child: string) =>
    nomad.events.waitFor(
      (event) => event.type === type && "child" in event && event.child === child,
      `${type} of ${child}`,
    );
  const view = (id: string): ChildView => {
    const found = nomad.children().find((child) => child.id === id);
    if (found === undefined) throw new Error(`no child ${id}`);
    return found;
  };
  const runs = (id: string) => view(id).allocations.flatMap(({ tasks }) => tasks);

  test("a task runs in its own directory with payload, templates, meta and environment; poststop comes after it", async () => {
    const template = { data: "echo from the template", destination: "local/run.sh", mode: 0o755 };
    const script =
      'cat "$NOMAD_TASK_DIR/payload.json"; "$NOMAD_TASK_DIR/run.sh"; echo $NOMAD_META_KEY $WHERE; rm "$NOMAD_TASK_DIR/payload.json"; exit 3';
    const main = task(script, {
      templates: [{ ...template, data: `#!/bin/sh\n${template.data}\n` }],
      env: { WHERE: "${NOMAD_TASK_NAME}" },
    });
    await start([
      main,
      task('cat "$NOMAD_TASK_DIR/payload.json"; echo after', { name: "post", lifecycle: "poststop" }),
    ]);
    const child = await dispatch("1", { KEY: "value" });
    await reaches("child.dead", child);
    expect(runs(child)).toEqual([
      expect.objectContaining({
        name: "main",
        exitCode: 3,
        output: '{"hello":1}from the template\nvalue main\n',
      }),
      expect.objectContaining({ name: "post", exitCode: 0, output: '{"hello":1}after\n' }),
    ]);
    expect(view(child).allocations[0]?.status).toBe("failed");
  });

  test("the environment of this process does not reach a task", async () => {
    await start([task("env")]);
    process.env["NOT_FOR_TASKS"] = "1";
    const child = await dispatch("1");
    await reaches("child.dead", child);
    Reflect.deleteProperty(process.env, "NOT_FOR_TASKS");
    expect(runs(child)[0]?.output).toContain("NOMAD_ALLOC_ID=");
    expect(runs(child)[0]?.output).not.toContain("NOT_FOR_TASKS");
  });

  test("one idempotency token is one child, also at once and after its end", async () => {
    await start([task("true")]);
    const children = await Promise.all(["7:1", "7:1", "7:1", "7:2"].map((token) => dispatch(token)));
    expect(new Set(children).size).toBe(2);
    await reaches("child.dead", children[0] ?? "");
    expect(await dispatch("7:1")).toBe(children[0]);
    const accepted = nomad.events.all().filter((event) => event.type === "dispatch.accepted");
    expect(accepted.map((event) => "duplicate" in event && event.duplicate)).toEqual([
      false,
      true,
      true,
      false,
      true,
    ]);
  });

  test("children wait while the cluster is full, start when there is room, and a waiting one can be stopped", async () => {
    await start([task("sleep 0.2")], { capacity: 1 });
    const [first, second, third] = [await dispatch("1"), await dispatch("2"), await dispatch("3")];
    await reaches("child.blocked", third);
    expect([view(second).status, view(third).status]).toEqual(["pending", "pending"]);
    nomad.stop(second);
    expect(view(second)).toMatchObject({ status: "dead", allocations: [] });
    await reaches("child.dead", first);
    await reaches("child.dead", third);
    nomad.setCapacity(0);
    const fourth = await dispatch("4");
    await reaches("child.blocked", fourth);
    nomad.setCapacity(1);
    await reaches("child.dead", fourth);
  });

  test("stopping sends the kill signal and lets poststop run; a task that does not heed it is killed", async () => {
    const post = task("echo after", { name: "post", lifecycle: "poststop" });
    await start([
      task("trap 'echo heard; exit 9' USR1; while :; do sleep 0.05; done", { killSignal: "SIGUSR1" }),
      post,
    ]);
    const child = await dispatch("1");
    await reaches("task.started", child);
    await new Promise((resolve) => setTimeout(resolve, 150));
    nomad.stop(child);
    await reaches("child.dead", child);
    expect(runs(child)).toEqual([
      expect.objectContaining({ exitCode: 9, output: "heard\n" }),
      expect.objectContaining({ name: "post", exitCode: 0 }),
    ]);
  });

  test("a task that ignores its kill signal is killed after its kill timeout, with all it started", async () => {
    await start([
      task("trap '' TERM; sleep 60 & echo $!; while :; do sleep 1; done", { killTimeoutMs: 200 }),
    ]);
    const child = await dispatch("1");
    await reaches("task.started", child);
    await new Promise((resolve) => setTimeout(resolve, 150));
    nomad.stop(child);
    await reaches("child.dead", child);
    expect(runs(child)[0]).toMatchObject({ exitCode: null, signal: "SIGKILL" });
    const left = Number(runs(child)[0]?.output);
    await expectGone(left);
  });

  test("a lost node's child is placed anew with the same payload and another allocation, without poststop", async () => {
    const post = task("true", { name: "post", lifecycle: "poststop" });
    await start([task('cat "$NOMAD_TASK_DIR/payload.json"; sleep 0.4'), post]);
    const child = await dispatch("1");
    await reaches("task.started", child);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await nomad.replace(child);
    await reaches("child.dead", child);
    const [lost, second] = view(child).allocations;
    expect(lost).toMatchObject({ status: "lost", tasks: [{ name: "main", signal: "SIGKILL" }] });
    expect(second).toMatchObject({
      status: "complete",
      tasks: [{ output: '{"hello":1}' }, { name: "post" }],
    });
    expect(second?.id).not.toBe(lost?.id);
    await expect(nomad.replace(child)).rejects.toThrow("is not running");
  });

  test("a command that does not exist fails its task", async () => {
    await start([task("", { command: "/nonexistent" })]);
    const child = await dispatch("1");
    await reaches("child.dead", child);
    expect(runs(child)[0]?.exitCode).toBe(127);
  });

  test("a child is listed, read with its payload, and stopped over the API", async () => {
    await start([task("sleep 60")]);
    const child = await dispatch("1");
    await reaches("task.started", child);
    const path = `/v1/job/${encodeURIComponent(child)}`;
    expect(await (await call("GET", path)).json()).toMatchObject({
      ID: child,
      Payload: expect.any(String) as unknown,
    });
    expect(await (await call("GET", "/v1/jobs?prefix=job/dispatch-")).json()).toHaveLength(1);
    expect((await call("DELETE", path)).status).toBe(200);
    await reaches("child.dead", child);
    expect(view(child).stopped).toBe(true);
    expect((await call("GET", "/v1/job/nope")).status).toBe(404);
  });

  test("down refuses connections until it is up again", async () => {
    await start([task("true")]);
    await nomad.down();
    await expect(dispatch("1")).rejects.toThrow();
    await nomad.up();
    await reaches("child.dead", await dispatch("1"));
  });

  test("closing kills what runs and removes the allocations", async () => {
    await start([task('echo $$ "$NOMAD_ALLOC_DIR"; exec sleep 60')]);
    const child = await dispatch("1");
    await reaches("task.started", child);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const [pid, directory] = runs(child)[0]?.output.trim().split(" ") ?? [];
    expect(existsSync(directory ?? "")).toBe(true);
    await nomad.close();
    await expectGone(Number(pid));
    expect(existsSync(directory ?? "")).toBe(false);
  });

  test("can be run by the caller in place of processes, and end as that says", async () => {
    const seen: string[] = [];
    let over: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      over = resolve;
    });
    const end = (how: string) => (): void => {
      seen.push(how);
      over();
    };
    await start([task("exit 1")], {
      launch: ({ payload }) => {
        seen.push(payload.toString("utf8"));
        const allocation = { id: "mine", status: "running" as const, tasks: [] };
        return { allocation, ended, stop: end("stop"), kill: end("kill"), lose: end("lose") };
      },
    });
    const id = await dispatch("a");
    await reaches("child.running", id);
    expect(view(id).allocations.map((allocation) => allocation.id)).toEqual(["mine"]);
    nomad.stop(id);
    await reaches("child.dead", id);
    expect(seen).toEqual(['{"hello":1}', "stop"]);
  });
});

/** Waits a little for a process to be gone. */
async function expectGone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1);
  for (let round = 0; round < 40; round += 1) {
    if (!isAlive({ pid })) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`process ${String(pid)} still runs`);
}
