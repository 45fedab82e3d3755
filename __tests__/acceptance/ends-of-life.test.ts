import { Lives, RAN, REPOSITORY } from "./support/lives";

describe("the end of a runner by its job or by GitHub", () => {
  let lives: Lives;
  afterEach(() => lives.close());

  test("job done", async () => {
    lives = await Lives.start();
    const id = await lives.queue();
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(RAN);
    expect(await lives.ledger()).toEqual(["done"]);
    expect(lives.left()).toEqual([]);
  });

  test("job cancelled before a runner came", async () => {
    lives = await Lives.start({ capacity: 0 });
    const id = await lives.queue();
    await lives.child(1);
    await lives.loop.github.cancelJob(id);
    expect((await lives.completed(id)).conclusion).toBe("cancelled");
    lives.loop.nomad.setCapacity(1);
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(RAN);
    expect(await lives.ledger()).toEqual(["refused"]);
    expect(lives.left()).toEqual([]);
  });

  test("job cancelled while its runner was on the way, and idle", async () => {
    lives = await Lives.start({ jobVariables: { idle_timeout_seconds: 3 } });
    lives.keepJobsBack();
    const id = await lives.queue();
    await lives.online(1);
    await lives.loop.github.cancelJob(id);
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", 20], ["release", 0]]);
    expect(await lives.ledger()).toEqual(["released"]);
    expect(await lives.problems()).toEqual([]);
    expect(lives.left()).toEqual([]);
  });

  test("idle though its job waits", async () => {
    lives = await Lives.start({ jobVariables: { idle_timeout_seconds: 3 } });
    lives.keepJobsBack();
    const id = await lives.queue();
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", 20], ["release", 0]]);
    lives.handJobsOut();
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["released", "done"]);
    expect(lives.left()).toEqual([]);
  });

  test("job cancelled while it ran", async () => {
    lives = await Lives.start();
    const id = await lives.queue({ script: "sleep 60" });
    await lives.inProgress(id);
    await lives.loop.github.cancelJob(id);
    expect((await lives.completed(id)).conclusion).toBe("cancelled");
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(RAN);
    expect(await lives.ledger()).toEqual(["done"]);
    expect(lives.left()).toEqual([]);
  });

  test("over time", async () => {
    lives = await Lives.start({ jobVariables: { max_duration_seconds: 3 } });
    const id = await lives.queue({ script: "sleep 60" });
    expect((await lives.completed(id)).conclusion).toBe("cancelled");
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", 21], ["release", 0]]);
    expect(await lives.ledger()).toEqual(["done"]);
    expect(lives.left()).toEqual([]);
  });

  test("JIT config refused by GitHub", async () => {
    lives = await Lives.start();
    const fault = {
      kind: "answer",
      status: 422,
      headers: {},
      body: '{"message":"Validation Failed"}',
    } as const;
    lives.loop.github.faults.add({ method: "POST", path: /generate-jitconfig$/, fault });
    const id = await lives.queue();
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", 13], ["release", 0]]);
    expect(await lives.problems()).toEqual(["github refused"]);
    await lives.minutes(1);
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["released", "done"]);
    expect(lives.left()).toEqual([]);
  });

  test("runner version refused by GitHub", async () => {
    lives = await Lives.start();
    const fault = { kind: "answer", status: 403, headers: {}, body: '{"errorCode":1}' } as const;
    lives.loop.github.faults.add({ method: "POST", path: /\/sessions$/, fault });
    const id = await lives.queue();
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", 37], ["release", 0]]);
    expect(await lives.problems()).toEqual(["runner version_refused"]);
    const headers = { Authorization: `Bearer ${lives.loop.secrets.statusToken}` };
    const status = (await (await fetch(`${lives.loop.worker.url}/status`, { headers })).json()) as {
      readonly problems: readonly { readonly detail: string }[];
    };
    expect(status.problems[0]?.detail).toContain("class linux, exit 37");
    await lives.minutes(1);
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["released", "done"]);
    expect(lives.left()).toEqual([]);
  });

  test("registration removed by GitHub while the runner was idle", async () => {
    lives = await Lives.start();
    lives.keepJobsBack();
    const id = await lives.queue();
    await lives.online(1);
    const [runner] = lives.loop.github.runners();
    lives.loop.github.removeRunner(runner?.id ?? 0);
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", 22], ["release", 0]]);
    lives.handJobsOut();
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["released", "done"]);
    expect(lives.left()).toEqual([]);
  });

  test("job refused by the hook", async () => {
    lives = await Lives.start({
      repositories: [{ fullName: REPOSITORY, private: false }],
      policy: { publicRepositories: [REPOSITORY] },
    });
    lives.keepJobsBack();
    const own = await lives.queue();
    await lives.online(1);
    const foreign = await lives.queue({ headRepository: "stranger/example", script: "echo ran" });
    lives.loop.github.pickRunners((job, candidates) => (job.id === foreign ? candidates[0] : undefined));
    const refused = await lives.completed(foreign);
    expect([refused.conclusion, refused.log.includes("ran\n")]).toEqual(["failure", false]);
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", 23], ["release", 0]]);
    lives.handJobsOut();
    expect((await lives.completed(own)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["done", "done"]);
    expect(lives.left()).toEqual([]);
  });
});
