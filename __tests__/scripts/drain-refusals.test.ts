import { DrainScene } from "./support/drain-scene";

describe("a drain that Nomad does not let be", () => {
  let scene: DrainScene;
  afterEach(() => scene.nomad.close());
  const untouched = { "runner-a": "running", "runner-b": "running", connector: "running" };
  const NEEDED = 'list-jobs, read-job, deregister-job and purge-job in the namespace "default"';

  test.each([
    ["no token", "", "NOMAD_TOKEN is not set"],
    ["a token that Nomad does not know", "wrong-secret", "it does not know the token in NOMAD_TOKEN"],
    ["a token that may only dispatch", "worker", 'the token "token 1" in NOMAD_TOKEN may not'],
  ])(
    "%s: says so, names what is needed, tells no token, and has stopped nothing",
    async (_what, token, says) => {
      scene = await DrainScene.start();
      const error = await scene.drain({ token }).catch((it: unknown) => it);
      expect(error).toMatchObject({ name: "DrainError", exitCode: 1 });
      const { message } = error as Error;
      expect(message).toContain(`Nomad refuses to read the job runner-a: ${says}`);
      expect(message).toContain(NEEDED);
      expect(message).toContain("submit-job");
      if (token !== "") expect(message).not.toContain(token === "worker" ? "worker" : token);
      expect(await scene.listed()).toMatchObject(untouched);
    },
  );

  test.each([
    ["may not purge", ["list-jobs", "read-job", "deregister-job"], "purge jobs of default"],
    ["may not read", ["list-jobs", "submit-job"], "read the job runner-a"],
    ["may not list", ["read-job", "submit-job"], "list the jobs of default"],
    ["may not stop", ["list-jobs", "read-job"], "purge jobs of default"],
  ] as const)("a token that %s is found out before anything is stopped", async (_what, may, refused) => {
    scene = await DrainScene.start({ may });
    const draining = scene.drain();
    await expect(draining).rejects.toThrow(
      `Nomad refuses to ${refused}: the token "operator" in NOMAD_TOKEN`,
    );
    expect(await scene.listed()).toMatchObject(untouched);
  });

  test("a token that may submit jobs is as good, as it is before 1.11.2", async () => {
    scene = await DrainScene.start({ may: ["list-jobs", "read-job", "submit-job"] });
    expect((await scene.drain()).done).toBe(true);
  });

  test.each([
    ["redirects", { status: 302, headers: { Location: "https://sso.example.com/" } }, "redirects (302)"],
    [
      "shows a page",
      { status: 403, headers: { "Content-Type": "text/html" }, body: "<!DOCTYPE html>" },
      "a web page (403)",
    ],
    ["has no such path", { status: 404, body: "404 page not found" }, 'it answered 404 "404 page not found"'],
    [
      "answers something else",
      { status: 200, headers: { "Content-Type": "application/json" }, body: "[]" },
      "something else",
    ],
  ])("what %s is not taken for Nomad", async (_what, answer, says) => {
    scene = await DrainScene.start();
    scene.nomad.faults.add({ fault: { kind: "answer", ...answer }, times: Number.POSITIVE_INFINITY });
    await expect(scene.drain()).rejects.toThrow(says);
    scene.nomad.faults.clear();
    expect(await scene.listed()).toMatchObject(untouched);
  });

  test("a Nomad that is not there is told by its address", async () => {
    scene = await DrainScene.start();
    await scene.nomad.down();
    await expect(scene.drain()).rejects.toThrow(
      `Nomad at ${scene.nomad.url} cannot be reached (ECONNREFUSED)`,
    );
  });
});
