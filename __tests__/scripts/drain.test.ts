import { DrainScene } from "./support/drain-scene";

const JSON_ANSWER = { "Content-Type": "application/json" };

describe("draining a stack's jobs from Nomad", () => {
  let scene: DrainScene;
  afterEach(() => scene.nomad.close());
  const dispatched = async (job: string): Promise<string> => {
    const [status, child] = await scene.dispatch(job);
    expect(status).toBe(200);
    return child;
  };

  test("runners that run and that wait for room, the classes' jobs and the connectors are gone, and nothing else", async () => {
    scene = await DrainScene.start({ capacity: 3 });
    const other = await dispatched("runner-a-too");
    const running = await dispatched("runner-a");
    const waiting = await dispatched("runner-b");
    await scene.runs(running);
    expect(await scene.listed()).toMatchObject({
      connector: "running",
      [running]: "running",
      [waiting]: "pending",
    });
    expect(await scene.drain()).toEqual({ done: true, left: [] });
    expect(await scene.listed()).toEqual({ "runner-a-too": "running", [other]: "running" });
    expect(scene.said).toContain("2 runners stopped");
    expect(scene.said.at(-1)).toMatch(/^Nothing is left in Nomad: 5 jobs ended and purged\./);
  });

  test("a second drain finds nothing, and says so", async () => {
    scene = await DrainScene.start();
    await scene.drain();
    scene.said.length = 0;
    expect(await scene.drain()).toEqual({ done: true, left: [] });
    expect(scene.said).toEqual(["Nothing was there, and nothing is left in Nomad."]);
  });

  test("a dispatch is refused while runners end, and after it", async () => {
    scene = await DrainScene.start({ release: "sleep 0.5" });
    await scene.runs(await dispatched("runner-a"));
    const draining = scene.drain();
    await scene.nomad.events.waitFor(
      (it) => it.type === "task.started" && it.task === "release",
      "the release",
    );
    expect(await scene.dispatch("runner-a")).toEqual([500, 'Specified job "runner-a" is stopped']);
    await draining;
    expect(await scene.dispatch("runner-a")).toEqual([500, "parameterized job not found"]);
  });

  test("a runner is purged only when its poststop task has given the claim back, also of a failed one", async () => {
    scene = await DrainScene.start({ runner: "exit 7", release: "sleep 0.6" });
    const child = await dispatched("runner-a");
    await scene.nomad.events.waitFor(
      (it) => it.type === "task.started" && it.task === "release",
      "the release",
    );
    const path = `/v1/job/${encodeURIComponent(child)}/allocations`;
    // Nomad already calls it failed.
    expect(await (await scene.call("GET", path, "all")).json()).toMatchObject([{ ClientStatus: "failed" }]);
    await scene.drain();
    const events = scene.nomad.events.all();
    const released = events.findIndex((it) => it.type === "task.exited" && it.task === "release");
    const stopped = events.findIndex((it) => it.type === "task.exited" && it.task === "cloudflared");
    expect(released).toBeGreaterThan(0);
    // Connectors come after the last runner.
    expect(stopped).toBeGreaterThan(released);
    expect(events[released]).toMatchObject({ child, code: 0 });
  });

  test("with --finish runners that have started end by themselves, and those without room are stopped", async () => {
    scene = await DrainScene.start({ runner: "sleep 0.8", capacity: 2 });
    const running = await dispatched("runner-a");
    await scene.runs(running);
    await dispatched("runner-b");
    expect(await scene.drain({ finish: true })).toEqual({ done: true, left: [] });
    const ends = scene.nomad.events.all().filter((it) => it.type === "task.exited" && it.child === running);
    expect(ends).toMatchObject([{ task: "runner", code: 0 }, { task: "release" }]);
    expect(scene.said).toContain("1 runner stopped");
    expect(await scene.listed()).toEqual({ "runner-a-too": "running" });
  });

  test.each([
    ["one that runs", Number.POSITIVE_INFINITY],
    ["one that waits for room, for which nobody would wait", 0],
  ])("pulls of images end, too, also with --finish: %s; another stack's goes on", async (_what, room) => {
    scene = await DrainScene.start({ pull: "sleep 60", ...(room === 0 && { capacity: 2 }) });
    const [other, pull] = [
      scene.nomad.launch("runner-a-pre-pull-too"),
      scene.nomad.launch("runner-a-pre-pull"),
    ];
    if (room > 0) await scene.runs(pull);
    expect(await scene.listed()).toMatchObject({ [pull]: room > 0 ? "running" : "pending" });
    expect(await scene.drain({ finish: true })).toEqual({ done: true, left: [] });
    const untouched = ["runner-a-pre-pull-too", other, "runner-a-too"];
    expect(Object.keys(await scene.listed())).toEqual(untouched);
    expect(scene.said).toContain("runner-a-pre-pull: stopped; Nomad starts no more pulls of images");
    expect(scene.said).toContain("1 pull of images stopped");
    expect(scene.said.join()).not.toMatch(/runner stopped/);
  });

  test("what has not ended in time is told, nothing is purged, connectors stay, and the next drain goes on", async () => {
    scene = await DrainScene.start({ release: "sleep 2" });
    const child = await dispatched("runner-a");
    await scene.runs(child);
    const { done, left } = await scene.drain({ timeoutMs: 100 });
    expect(done).toBe(false);
    expect(left).toEqual([
      expect.stringMatching(new RegExp(`^${child} in default: allocation [0-9a-f-]+ running`)),
    ]);
    expect(await scene.listed()).toMatchObject({ connector: "running", "runner-a": "dead", [child]: "dead" });
    expect(await scene.drain()).toEqual({ done: true, left: [] });
    expect(await scene.listed()).toEqual({ "runner-a-too": "running" });
  });

  test("stopping the drain itself ends it at once, and what was left is known", async () => {
    scene = await DrainScene.start();
    const child = await dispatched("runner-a");
    await scene.runs(child);
    const stop = new AbortController();
    const draining = scene.drain({
      finish: true,
      stop,
      say: () =>
        setTimeout(() => {
          stop.abort(new Error("SIGINT"));
        }, 300),
    });
    await expect(draining).rejects.toThrow("SIGINT");
    expect(await scene.listed()).toMatchObject({
      "runner-a": "dead",
      [child]: "running",
      connector: "running",
    });
  });

  test("an allocation on a node that is cut off has not ended, and the line says what to do", async () => {
    scene = await DrainScene.start();
    const child = await dispatched("runner-a");
    await scene.runs(child);
    const unknown = [
      { ID: "a1", NodeName: "n1", ClientStatus: "unknown", TaskStates: { runner: { State: "running" } } },
    ];
    const path = /dispatch-.*\/allocations/;
    const fault = {
      kind: "answer",
      status: 200,
      headers: JSON_ANSWER,
      body: JSON.stringify(unknown),
    } as const;
    scene.nomad.faults.add({ path, fault, times: Number.POSITIVE_INFINITY });
    const { left } = await scene.drain({ timeoutMs: 100 });
    expect(left).toEqual([
      expect.stringMatching(/allocation a1 unknown on n1; its node is cut off: .*nomad node purge/),
    ]);
    scene.nomad.faults.clear();
    // Of a lost one nothing is heard any more: its tasks stay as they were last seen.
    const lost = { ...fault, body: JSON.stringify([{ ...unknown[0], ClientStatus: "lost" }]) };
    scene.nomad.faults.add({ path, fault: lost, times: Number.POSITIVE_INFINITY });
    expect((await scene.drain()).done).toBe(true);
  });

  test("a job that is not parameterized is no runner class's: nothing at all is stopped", async () => {
    scene = await DrainScene.start();
    const draining = scene.drain({ plan: { ...scene.plan, jobs: ["runner-a", "connector"] } });
    await expect(draining).rejects.toThrow("the job connector in default is not parameterized");
    expect(await scene.listed()).toMatchObject({ "runner-a": "running", connector: "running" });
  });

  test("a child of another parent is not taken for ours, whatever its id", async () => {
    scene = await DrainScene.start();
    const child = await dispatched("runner-a");
    const body = JSON.stringify([
      { ID: "runner-a/dispatch-1", ParentID: "", Stop: false, Status: "running" },
    ]);
    const fault = { kind: "answer", status: 200, headers: JSON_ANSWER, body } as const;
    scene.nomad.faults.add({ path: /prefix=runner-a%2F/, fault, times: Number.POSITIVE_INFINITY });
    expect((await scene.drain()).done).toBe(true);
    expect(scene.said.filter((line) => /runners? stopped/.test(line))).toEqual([]);
    expect(await scene.listed()).toMatchObject({ [child]: expect.any(String) as unknown });
  });

  test("a stack without connectors of its own has none stopped", async () => {
    scene = await DrainScene.start();
    const { connector: _theirs, ...plan } = scene.plan;
    expect((await scene.drain({ plan })).done).toBe(true);
    expect(await scene.listed()).toEqual({ "runner-a-too": "running", connector: "running" });
  });

  test.each([
    ["no leader", { status: 500, body: "No cluster leader" }],
    ["too many connections", { status: 429, body: "too many concurrent connections" }],
  ])("%s is waited out", async (_what, answer) => {
    scene = await DrainScene.start();
    scene.nomad.faults.add({ fault: { kind: "answer", ...answer }, times: 3 });
    scene.nomad.faults.add({ method: "DELETE", fault: { kind: "lose" } });
    expect((await scene.drain()).done).toBe(true);
  });
});
