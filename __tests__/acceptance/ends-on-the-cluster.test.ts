import { Lives } from "./support/lives";

describe("the end of a runner by its cluster", () => {
  let lives: Lives;
  afterEach(() => lives.close());

  test("stopped with nomad job stop before its job began", async () => {
    lives = await Lives.start();
    lives.keepJobsBack();
    const id = await lives.queue();
    await lives.online(1);
    lives.loop.nomad.stop((await lives.child(1)).id);
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["complete", ["runner", 143], ["release", 0]]);
    lives.handJobsOut();
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["released", "done"]);
    expect(lives.left()).toEqual([]);
  });

  test("stopped with nomad job stop while its job ran", async () => {
    lives = await Lives.start();
    const id = await lives.queue({ script: "sleep 60" });
    await lives.inProgress(id);
    lives.loop.nomad.stop((await lives.child(1)).id);
    expect((await lives.completed(id)).conclusion).toBe("cancelled");
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["complete", ["runner", 143], ["release", 0]]);
    expect(await lives.ledger()).toEqual(["done"]);
    expect(lives.left()).toEqual([]);
  });

  test("out of memory before its job began", async () => {
    lives = await Lives.start();
    lives.keepJobsBack();
    const id = await lives.queue();
    await lives.online(1);
    lives.loop.nomad.kill((await lives.child(1)).id);
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", "SIGKILL"], ["release", 0]]);
    expect(await lives.problems()).toEqual(["runner killed"]);
    lives.handJobsOut();
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["released", "done"]);
    expect(lives.left()).toEqual([]);
  });

  test("out of memory while its job ran", async () => {
    lives = await Lives.start();
    const id = await lives.queue({ script: "sleep 60" });
    await lives.inProgress(id);
    lives.loop.nomad.kill((await lives.child(1)).id);
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", "SIGKILL"], ["release", 0]]);
    expect(await lives.ledger()).toEqual(["removing"]);
    expect(await lives.problems()).toEqual(["runner killed"]);
    expect((await lives.completed(id)).conclusion).toBe("failure");
    await lives.minutes(2);
    expect(await lives.ledger()).toEqual(["gone"]);
    expect(lives.left()).toEqual([]);
  });

  test("allocation lost before its job began", async () => {
    lives = await Lives.start();
    lives.keepJobsBack();
    const id = await lives.queue();
    await lives.online(1);
    lives.loop.nomad.lose((await lives.child(1)).id);
    await lives.dead(1);
    expect((await lives.shown(1))[0]).toBe("lost");
    expect(await lives.ledger()).toEqual(["claimed"]);
    // Past the time that a runner may be idle.
    await lives.age(400);
    await lives.minutes(2);
    lives.handJobsOut();
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect(await lives.ledger()).toEqual(["gone", "done"]);
    expect(lives.left()).toEqual([]);
  });

  test("allocation lost while its job ran", async () => {
    lives = await Lives.start();
    const id = await lives.queue({ script: "sleep 60" });
    await lives.inProgress(id);
    lives.loop.nomad.lose((await lives.child(1)).id);
    expect((await lives.completed(id)).conclusion).toBe("failure");
    expect((await lives.shown(1))[0]).toBe("lost");
    expect(await lives.ledger()).toEqual(["done"]);
    expect(lives.left()).toEqual([]);
  });

  test("allocation lost and placed anew by Nomad: its claim is another's", async () => {
    lives = await Lives.start();
    lives.keepJobsBack();
    const id = await lives.queue();
    await lives.online(1);
    await lives.loop.nomad.replace((await lives.child(1)).id, true);
    const { events } = lives.loop.nomad;
    await events.waitFor(
      (event) => event.type === "task.exited" && event.task === "release",
      "the second one",
    );
    lives.handJobsOut();
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(1);
    const { allocations } = await lives.child(1);
    expect(allocations.map(({ tasks }) => tasks.map(({ exitCode }) => exitCode))).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(allocations[1]?.tasks[0]?.output).toContain("409: another allocation holds this claim");
    expect(await lives.ledger()).toEqual(["done"]);
    expect(lives.left()).toEqual([]);
  });

  test("image that cannot be pulled", async () => {
    lives = await Lives.start();
    lives.loop.nomad.refuseTasks("Failed to pull `runner:none`");
    const id = await lives.queue();
    await lives.dead(1);
    expect(await lives.shown(1)).toEqual(["failed", ["runner", null], ["release", null]]);
    expect(await lives.ledger()).toEqual(["dispatched"]);
    lives.loop.nomad.refuseTasks(null);
    // Past the pickup deadline of the class.
    await lives.age(400);
    await lives.minutes(1);
    expect((await lives.completed(id)).conclusion).toBe("success");
    await lives.dead(2);
    expect((await lives.ledger())[1]).toBe("done");
    expect(lives.left()).toEqual([]);
  });
});
