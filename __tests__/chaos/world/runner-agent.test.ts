import type { Child } from "../../../local/nomad/types";
import { type Origin, type Reply, startOrigin } from "../../support/harness/origin";
import { UNHARMED } from "../plan/fates";
import { type AgentWorld, RunnerAgent } from "./runner-agent";
import { VirtualTime } from "./virtual-time";

const CLAIM = `${"a".repeat(40)}.${"b".repeat(43)}`;

// What jobs/claim.sh, start-runner.sh and release-runner.sh do is held still in __tests__/jobs; this is held to the same.
describe("a runner of the chaos suite", () => {
  let worker: Origin;
  let answers: Reply[];
  let time: VirtualTime;
  const secrets: string[] = [];
  beforeEach(async () => {
    worker = await startOrigin(({ method }) =>
      method === "DELETE" ? { status: 204 } : (answers.shift() ?? { status: 410 }),
    );
    time = new VirtualTime();
  });
  afterEach(() => worker.close());

  const child = (): Child => ({
    ...{ id: "c", parent: "github-runner-linux", token: "1:1", meta: {}, createIndex: 1, modifyIndex: 1 },
    ...{ status: "running", stopped: false, allocations: [] },
    job: { id: "github-runner-linux", parameterized: null, stopped: false, tasks: [] },
    payload: Buffer.from(JSON.stringify({ claim: CLAIM, claim_url: `${worker.url}/runners/claim` })),
  });
  const nothing = (): void => undefined;
  const world = (): AgentWorld => ({
    time,
    nameOf: () => "j1:1",
    idleTimeoutMs: () => 60_000,
    note: nothing,
    heard: nothing,
    count: nothing,
    late: nothing,
    secret: (name) => void secrets.push(name),
    skewed: (claim) => claim,
    replace: () => Promise.resolve(),
    awake: () => Promise.resolve(),
    breaks: () => true,
  });
  const exits = () =>
    worker.seen.filter(({ method }) => method === "DELETE").map(({ headers }) => headers["x-runner-exit"]);

  test.each([
    [410, "0"],
    [409, "0"],
    [401, "12"],
    [502, "13"],
    [418, "15"],
  ])("that is answered %p tells the exit code %s", async (status, code) => {
    answers = [{ status }];
    const agent = new RunnerAgent(child(), world(), UNHARMED);
    await agent.ended;
    expect(worker.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /runners/claim",
      "DELETE /runners/claim",
    ]);
    expect(exits()).toEqual([code]);
    for (const { headers } of worker.seen) {
      expect(headers.authorization).toBe(`Bearer ${CLAIM}`);
      expect(headers["x-runner-holder"]).toBe(agent.allocation.id);
    }
  });

  test.each<[string, Reply]>([
    ["503 with a time", { status: 503, headers: { "Retry-After": "10" } }],
    ["429", { status: 429 }],
    ["530", { status: 530 }],
    ["a broken connection", "drop"],
  ])("asks again after %s, in the ledger's time", async (_, answer) => {
    answers = [answer, { status: 410 }];
    const agent = new RunnerAgent(child(), world(), UNHARMED);
    const skipping = setInterval(() => {
      time.skip(5_000);
    }, 20);
    await agent.ended;
    clearInterval(skipping);
    expect(worker.seen.map(({ method }) => method)).toEqual(["POST", "POST", "DELETE"]);
  });

  test("gives up after ten minutes without an answer, and still gives its claim back", async () => {
    answers = Array.from({ length: 200 }, () => ({ status: 503 }));
    const agent = new RunnerAgent(child(), world(), UNHARMED);
    const skipping = setInterval(() => {
      time.skip(60_000);
    }, 10);
    await agent.ended;
    clearInterval(skipping);
    expect(exits()).toEqual(["14"]);
  });

  test("that crashes runs its poststop task, and one on a lost node does not", async () => {
    answers = [];
    const dying = (how: "crash" | "node") => ({
      ...UNHARMED,
      end: { step: "before the claim" as const, how },
    });
    await new RunnerAgent(child(), world(), dying("crash")).ended;
    expect(worker.seen.map(({ method }) => method)).toEqual(["DELETE"]);
    expect(exits()).toEqual(["137"]);
    const lost = new RunnerAgent(child(), world(), dying("node"));
    await lost.ended;
    expect(lost.allocation.status).toBe("lost");
    expect(worker.seen).toHaveLength(1);
  });

  test("whose answer is lost asks again as the same holder", async () => {
    answers = [{ status: 201, body: { runner_name: "r", encoded_jit_config: "e30=" } }, { status: 410 }];
    const agent = new RunnerAgent(child(), world(), { ...UNHARMED, deafFor: 1 });
    const skipping = setInterval(() => {
      time.skip(1_000);
    }, 20);
    await agent.ended;
    clearInterval(skipping);
    expect(worker.seen.map(({ method }) => method)).toEqual(["POST", "POST", "DELETE"]);
    expect(secrets).toContain("a JIT config of j1:1");
  });
});
