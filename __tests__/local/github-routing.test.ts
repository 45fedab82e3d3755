import { type GithubStandIn, startGithub } from "../../local/github/github";
import type { GithubSettings } from "../../local/github/types";
import { JIT_PATH, REPOSITORY, ask, listenerToken, registration } from "./support/github-client";

/** A listener as the stand-in sees one: just its calls. */
class FakeListener {
  session = "";
  constructor(
    private readonly github: GithubStandIn,
    readonly token: string,
  ) {}

  call(method: string, path: string, body?: unknown): ReturnType<typeof ask> {
    return ask(this.github, this.token, method, `/_listener${path}`, body);
  }

  async connect(): Promise<number> {
    const { status, json } = await this.call("POST", "/sessions");
    this.session = String(json["sessionId"]);
    return status;
  }

  message(): ReturnType<typeof ask> {
    return this.call("GET", `/sessions/${this.session}/message`);
  }

  acquire(jobId: number): ReturnType<typeof ask> {
    return this.call("POST", `/jobs/${String(jobId)}/acquire`);
  }

  finish(jobId: number, conclusion: string): ReturnType<typeof ask> {
    return this.call("POST", `/jobs/${String(jobId)}/finish`, { conclusion });
  }
}

describe("how the GitHub stand-in gives jobs to runners", () => {
  let github: GithubStandIn;
  const start = async (settings: GithubSettings = {}): Promise<void> => {
    github = await startGithub({ tokens: [{ token: "pat", owner: "octo-org" }], settings });
    github.addRepository({ fullName: REPOSITORY, organization: true });
    github.addRepository({ fullName: "octo-org/second", organization: true });
  };
  const register = async (
    name: string,
    labels: readonly string[],
    path = JIT_PATH,
  ): Promise<FakeListener> => {
    const { json } = await ask(github, "pat", "POST", path, registration(name, labels));
    return new FakeListener(github, listenerToken(json["encoded_jit_config"]));
  };
  const online = async (name: string, labels: readonly string[], path = JIT_PATH): Promise<FakeListener> => {
    const listener = await register(name, labels, path);
    expect(await listener.connect()).toBe(201);
    return listener;
  };
  const queue = (labels: readonly string[], more = {}) =>
    github.queueJob({ repository: REPOSITORY, labels, ...more });
  const stateOf = (id: number) => github.jobs().find((job) => job.id === id);

  afterEach(() => github.close());

  test("a job goes to an online runner that has all of its labels, in any case and order", async () => {
    await start();
    const listener = await online("one", ["self-hosted", "linux", "x64"]);
    const job = await queue(["X64", "Self-Hosted"]);
    expect((await listener.message()).json).toEqual({ type: "job", jobId: job.id });
    expect((await listener.acquire(job.id)).json).toMatchObject({
      id: job.id,
      repository: REPOSITORY,
      eventName: "push",
    });
    expect(stateOf(job.id)).toMatchObject({ status: "in_progress", runnerName: "one" });
    expect(github.runners()).toEqual([expect.objectContaining({ online: true, busy: true })]);
    expect((await listener.finish(job.id, "success")).status).toBe(204);
    expect(stateOf(job.id)).toMatchObject({ status: "completed", conclusion: "success" });
    expect(github.runners()).toEqual([]);
  });

  test.each([
    ["lacks a label", ["self-hosted", "linux"], JIT_PATH],
    [
      "is another repository's",
      ["self-hosted", "gpu"],
      "/repos/octo-org/second/actions/runners/generate-jitconfig",
    ],
  ])("a job waits when the only runner %s", async (_what, labels, path) => {
    await start();
    await online("one", labels, path);
    const job = await queue(["self-hosted", "gpu"]);
    expect(stateOf(job.id)).toMatchObject({ status: "queued", runnerName: null });
    expect(github.runners()).toEqual([expect.objectContaining({ busy: false })]);
  });

  test("a job waits for a runner that is registered and not connected, and an organization's runner takes it, too", async () => {
    await start();
    await register("offline", ["self-hosted"]);
    const job = await queue(["self-hosted"]);
    expect(stateOf(job.id)?.status).toBe("queued");
    const listener = await online(
      "org",
      ["self-hosted"],
      "/orgs/octo-org/actions/runners/generate-jitconfig",
    );
    expect((await listener.message()).json).toEqual({ type: "job", jobId: job.id });
  });

  test("a runner takes any job that fits, not the one it was started for; who gets it can be decided", async () => {
    await start();
    github.pickRunners((_job, candidates) => candidates.at(-1));
    await online("first", ["self-hosted"]);
    const second = await online("second", ["self-hosted"]);
    const job = await queue(["self-hosted"]);
    expect((await second.message()).json).toEqual({ type: "job", jobId: job.id });
    expect((await second.acquire(job.id)).status).toBe(200);
    expect(stateOf(job.id)?.runnerName).toBe("second");
  });

  test("a job that is not picked up goes to the next runner", async () => {
    await start({ pickupMs: 150 });
    const silent = await online("silent", ["self-hosted"]);
    const job = await queue(["self-hosted"]);
    await github.events.waitFor((event) => event.type === "job.requeued", "the requeue");
    expect((await silent.acquire(job.id)).status).toBe(409);
    const next = await online("next", ["self-hosted"]);
    expect((await next.message()).json).toEqual({ type: "job", jobId: job.id });
  });

  test("a busy runner cannot be deleted, an idle one can, and learns it from its next message", async () => {
    await start();
    const listener = await online("one", ["self-hosted"]);
    const id = String(github.runners()[0]?.id);
    const waiting = listener.message();
    const job = await queue(["self-hosted"]);
    expect((await waiting).json).toMatchObject({ jobId: job.id });
    const path = `/repos/${REPOSITORY}/actions/runners/${id}`;
    expect((await ask(github, "pat", "DELETE", path)).status).toBe(422);
    await listener.acquire(job.id);
    expect((await ask(github, "pat", "DELETE", path)).status).toBe(422);
    await listener.finish(job.id, "failure");
    const idle = await online("two", ["self-hosted"]);
    const held = idle.message();
    github.removeRunner(github.runners()[0]?.id ?? 0);
    expect((await held).status).toBe(404);
    expect(await idle.connect()).toBe(404);
  });

  test("a running job is cancelled by a message to its runner", async () => {
    await start();
    const listener = await online("one", ["self-hosted"]);
    const job = await queue(["self-hosted"]);
    await listener.message();
    await listener.acquire(job.id);
    await github.cancelJob(job.id);
    expect((await listener.message()).json).toEqual({ type: "cancel", jobId: job.id });
    await listener.finish(job.id, "cancelled");
    expect(stateOf(job.id)).toMatchObject({
      status: "completed",
      conclusion: "cancelled",
      runnerName: "one",
    });
  });

  test("one runner has one session, and a listener cannot end another's job or invent a result", async () => {
    await start();
    const listener = await online("one", ["self-hosted"]);
    expect(await new FakeListener(github, listener.token).connect()).toBe(409);
    const job = await queue(["self-hosted"]);
    await listener.message();
    await listener.acquire(job.id);
    const other = await online("two", ["self-hosted"]);
    expect((await other.finish(job.id, "success")).status).toBe(409);
    expect((await listener.finish(job.id, "splendid")).status).toBe(422);
    expect(stateOf(job.id)?.status).toBe("in_progress");
  });

  test("idle runners, runners that never connect and runners that fall silent are removed by the clock", async () => {
    await start({ idleRemovalMs: 200, offlineRemovalMs: 200, lostRunnerMs: 200 });
    const listener = await online("busy", ["self-hosted"]);
    const job = await queue(["self-hosted"]);
    await listener.message();
    await listener.acquire(job.id);
    await register("offline", ["x"]);
    await online("idle", ["x"]);
    await github.events.waitFor((event) => event.type === "job.completed", "the lost job");
    await github.events.waitFor(() => github.runners().length === 0, "the removal of all");
    expect(stateOf(job.id)?.conclusion).toBe("failure");
  });

  test("runs and jobs are read as a reconciler reads them; a fork shows as another head repository", async () => {
    await start();
    const own = await queue(["self-hosted"], { name: "own" });
    const second = await queue(["self-hosted"], { name: "second", runId: own.runId });
    const fork = await queue(["self-hosted"], { headRepository: "someone/example" });
    const gone = await queue(["self-hosted"], { headRepository: null });
    const get = async (path: string) =>
      (await ask(github, "pat", "GET", `/repos/${REPOSITORY}/actions/${path}`)).json;
    expect(await get(`jobs/${String(own.id)}`)).toMatchObject({
      id: own.id,
      status: "queued",
      labels: ["self-hosted"],
    });
    const { jobs } = await get(`runs/${String(own.runId)}/jobs?filter=latest`);
    expect((jobs as { id: number }[]).map(({ id }) => id)).toEqual([own.id, second.id]);
    expect(await get(`runs/${String(own.runId)}`)).toMatchObject({
      event: "push",
      head_repository: { full_name: REPOSITORY, fork: false },
    });
    expect(await get(`runs/${String(fork.runId)}`)).toMatchObject({
      event: "pull_request",
      head_repository: { full_name: "someone/example", fork: true },
    });
    expect(await get(`runs/${String(gone.runId)}`)).toMatchObject({ head_repository: null });
    await github.cancelJob(own.id);
    // One of its jobs is over, and the other keeps the run queued.
    expect(await get("runs?status=queued")).toMatchObject({ total_count: 3 });
    expect(await get("runs?status=in_progress")).toMatchObject({ total_count: 0 });
    const path = `/repos/octo-org/second/actions/jobs/${String(own.id)}`;
    expect((await ask(github, "pat", "GET", path)).status).toBe(404);
  });
});
