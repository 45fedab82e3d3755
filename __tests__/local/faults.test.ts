import { type GithubStandIn, startGithub } from "../../local/github/github";
import { JIT_PATH, REPOSITORY, ask, registration } from "./support/github-client";

describe("faults put before a stand-in", () => {
  let github: GithubStandIn;
  beforeEach(async () => {
    github = await startGithub({ tokens: [{ token: "pat", owner: "octo-org" }] });
    github.addRepository({ fullName: REPOSITORY });
  });
  afterEach(() => github.close());
  const register = (name: string) => ask(github, "pat", "POST", JIT_PATH, registration(name));

  test("another answer is given as often as asked, with its headers, and nothing is done", async () => {
    const headers = { "Retry-After": "7" };
    github.faults.add({
      path: /jitconfig/,
      fault: { kind: "answer", status: 503, headers, body: "{}" },
      times: 2,
    });
    expect((await ask(github, "pat", "GET", `/repos/${REPOSITORY}/actions/runners`)).status).toBe(200);
    for (let index = 0; index < 2; index += 1) {
      const answer = await register("one");
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "7"]);
    }
    expect(github.runners()).toEqual([]);
    expect((await register("one")).status).toBe(201);
  });

  test("a dropped connection does nothing, a lost answer does everything", async () => {
    github.faults.add({ method: "POST", fault: { kind: "drop" } });
    await expect(register("dropped")).rejects.toThrow();
    expect(github.runners()).toEqual([]);
    github.faults.add({ method: "POST", fault: { kind: "lose" } });
    await expect(register("lost")).rejects.toThrow();
    expect(github.runners()).toEqual([expect.objectContaining({ name: "lost" })]);
  });

  test("a request that hangs ends with its client, and the stand-in still closes", async () => {
    github.faults.add({ fault: { kind: "hang" } });
    const gone = fetch(`${github.url}/x`, { signal: AbortSignal.timeout(100) });
    await expect(gone).rejects.toThrow();
    github.faults.add({ fault: { kind: "hang" } });
    const held = fetch(`${github.url}/x`).catch(() => "ended");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await github.close();
    expect(await held).toBe("ended");
  });

  test("what no rule strikes is decided on by its method, path and body, and is read whole all the same", async () => {
    github.faults.decide = ({ method, path, body }) =>
      method === "POST" && path === JIT_PATH && body.includes('"unlucky"')
        ? { kind: "answer", status: 503 }
        : null;
    expect((await register("unlucky")).status).toBe(503);
    expect((await register("lucky")).status).toBe(201);
    expect(github.runners().map(({ name }) => name)).toEqual(["lucky"]);
    github.faults.add({ fault: { kind: "answer", status: 418 } });
    expect((await register("unlucky")).status).toBe(418);
  });

  test("a delayed answer is the real one; cleared faults do not strike", async () => {
    github.faults.add({ fault: { kind: "delay", ms: 120 } });
    const before = Date.now();
    expect((await register("one")).status).toBe(201);
    expect(Date.now() - before).toBeGreaterThanOrEqual(100);
    github.faults.add({ fault: { kind: "drop" } });
    github.faults.clear();
    expect((await register("two")).status).toBe(201);
  });
});
