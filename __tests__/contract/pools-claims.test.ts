import {
  JIT,
  SCOPE,
  answer,
  type Registry,
  asked,
  claimOf,
  finish,
  granted,
  inSeconds,
  registrations,
  registry,
  start,
  waiting,
} from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, LINUX, POLICY, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { readStatus } from "./support/dispatching";
import {
  POOL,
  bindPools,
  idle,
  leave,
  refuseRegistrations,
  warm,
  warmClaim,
  withPools,
} from "./support/pools";

const END = "SELECT state, end_reason FROM runners WHERE job_id = 0 AND ordinal =";

describe.each(RUNTIMES)("a claim of kind warm (%s)", (runtime) => {
  let harness: Harness;
  let github: Registry;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
    github = registry();
    harness.github.reply = github.reply;
  });
  afterAll(async () => harness.close());

  const post = async (ordinal: number, holder = `alloc-${String(ordinal)}`): Promise<number> =>
    (await harness.claim(claimOf(harness, warm(ordinal)), holder)).status;
  /** A runner whose dispatch was not heard of and that was replaced: one more than its pool has places for. */
  const late = async (changes: Partial<typeof LINUX> = {}): Promise<void> => {
    await bindPools(harness, [POOL], changes);
    await harness.age(LINUX.pickupDeadlineSeconds + 1);
    await harness.sweep();
    await idle(harness, 3, 4);
  };

  test("registers with all labels of its class, once", async () => {
    await bindPools(harness, [POOL]);
    expect(await post(1)).toBe(201);
    const [registered] = harness.github.seen.filter(({ path }) => path.endsWith(JIT.slice(5)));
    expect(JSON.parse(registered?.body ?? "")).toMatchObject({ labels: LINUX.labels, runner_group_id: 1 });
    expect(await post(1, "alloc-of-another")).toBe(409);
    expect((await harness.claim(claimOf(harness, warm(1)))).status).toBe(409);
    expect(github.runners).toHaveLength(1);
  });

  test("is refused and spent while the pool has all it should have, and granted to nobody later", async () => {
    await late();
    expect(await post(1)).toBe(410);
    expect(await harness.rows(`${END} 1`)).toEqual([{ state: "ended", end_reason: "refused" }]);
    expect(registrations(harness)).toBe(2);
    await leave(harness, 3);
    expect(await post(1)).toBe(409);
  });

  test("of a late runner is granted while there is a place", async () => {
    await late();
    await harness.age(180);
    await leave(harness, 3);
    expect(await post(2)).toBe(201);
    // So the one that was requested for that place is one too many.
    expect(await post(5)).toBe(410);
  });

  test("is granted as a job's is, too: a job that waits has its runner, full pool or not", async () => {
    await late();
    await waiting(harness, 8, "octo-org/other");
    expect(await post(1)).toBe(410);
    const claim = claimOf(harness, warm(2));
    for (const id of [1, 2, 3]) await harness.deliver(workflowJob({ id }));
    expect((await harness.claim(claim, "alloc-2")).status).toBe(201);
    // Three wait and three are there: the runner of the third job itself is not needed.
    expect((await harness.claim(claimOf(harness, "3:1"), "alloc-j")).status).toBe(410);
  });

  test("two at once of which one is too many: one is granted", async () => {
    await late();
    await harness.age(180);
    await leave(harness, 4);
    const statuses = await Promise.all([post(1), post(2)]);
    expect(statuses.sort()).toEqual([201, 410]);
  });

  test("is refused above maxRunners, which it counts into", async () => {
    await late({ maxRunners: 2 });
    const [name = ""] = github.runners.map((runner) => runner.name);
    await start(harness, 7, name);
    expect(await post(1)).toBe(410);
    await finish(harness, 7, name);
  });

  test("is refused while its repository or everything is paused", async () => {
    await bindPools(harness, [{ ...POOL, size: 3 }]);
    const pause = (repo: string) =>
      harness.rows(`INSERT INTO pauses (repo, since) VALUES ('${repo}', 1)`).then(() => undefined);
    try {
      await pause("Octo-Org/Example");
      expect(await post(1)).toBe(410);
      await harness.rows("DELETE FROM pauses");
      await pause("*");
      expect(await post(2)).toBe(410);
      // Nor is what lacks requested meanwhile.
      await harness.age(60);
      await harness.sweep();
      expect(await harness.rows("SELECT max(ordinal) AS n FROM runners")).toEqual([{ n: 3 }]);
    } finally {
      await harness.rows("DELETE FROM pauses");
    }
    expect(await post(3)).toBe(201);
  });

  test("shown again by the same holder is a lost answer: its registration is made anew", async () => {
    await bindPools(harness, [POOL]);
    const [name] = await idle(harness, 1);
    expect(await granted(harness, claimOf(harness, warm(1)), "alloc-1")).toBe(name);
    expect(github.runners.map((one) => one.name)).toEqual([name]);
    expect(registrations(harness)).toBe(2);
    await harness.age(121);
    expect(await post(1)).toBe(409);
  });

  test("given back takes its registration along, by its holder only, and any number of times", async () => {
    await bindPools(harness, [POOL]);
    await idle(harness, 1);
    expect((await harness.release(claimOf(harness, warm(1)), "alloc-of-another")).status).toBe(204);
    expect(github.runners).toHaveLength(1);
    expect((await leave(harness, 1)).status).toBe(204);
    expect((await leave(harness, 1)).status).toBe(204);
    expect(github.runners).toEqual([]);
    expect(await harness.rows(`${END} 1`)).toEqual([{ state: "ended", end_reason: "released" }]);
  });

  test("given back while GitHub says busy is kept for removal", async () => {
    await bindPools(harness, [POOL]);
    await idle(harness, 1);
    Object.assign(github.runners[0] ?? {}, { busy: true });
    expect((await leave(harness, 1)).status).toBe(204);
    expect(await harness.rows(`${END} 1`)).toEqual([{ state: "removing", end_reason: null }]);
  });

  test("that GitHub refuses is free for another try", async () => {
    await bindPools(harness, [POOL]);
    refuseRegistrations(harness);
    expect(await post(1)).toBe(502);
    harness.github.reply = github.reply;
    expect(await post(1)).toBe(201);
  });

  test.each([
    ["unknown to the ledger", { ordinal: 99 }],
    ["of another class", { class: "gpu" }],
    ["of another scope", { scope: "octo-org/other" }],
  ])("%s is refused, and nobody is registered", async (_, changes) => {
    await bindPools(harness, [POOL]);
    expect((await harness.claim(warmClaim(1, changes), "alloc-1")).status).toBe(410);
    expect(github.runners).toEqual([]);
  });

  test("is refused once it has expired, or with another job's number in it", async () => {
    await bindPools(harness, [POOL]);
    expect((await harness.claim(warmClaim(1, { exp: inSeconds(-1) }), "alloc-1")).status).toBe(401);
    expect((await harness.claim(warmClaim(1, { job: 1 }), "alloc-1")).status).toBe(401);
    expect((await harness.claim(warmClaim(1, { kind: "cold" }), "alloc-1")).status).toBe(401);
    expect(github.runners).toEqual([]);
  });

  describe("where its repository turns out to be public", () => {
    const says = (body: unknown): void => {
      answer(harness, ({ method, path }) =>
        `${method} ${path}` === `GET /repos/${SCOPE}` ? { status: 200, body } : null,
      );
    };

    test.each([
      { private: false },
      { private: false, visibility: "public" },
      { private: true, visibility: "public" },
    ])("%j: is refused and told, and nobody is registered", async (repository) => {
      await bindPools(harness, [POOL]);
      says(repository);
      expect(await post(1)).toBe(502);
      expect(registrations(harness)).toBe(0);
      const detail = `${SCOPE} is public and not in publicRepositories: its pool gets no runner`;
      expect((await readStatus(harness)).problems).toMatchObject([
        { source: "github", kind: "refused", detail },
      ]);
      expect((await leave(harness, 1)).status).toBe(204);
      expect(await harness.rows(`${END} 1`)).toEqual([{ state: "ended", end_reason: "released" }]);
    });

    test("that shows a claim again which was used asks GitHub nothing", async () => {
      await bindPools(harness, [POOL]);
      await idle(harness, 1);
      harness.github.seen.length = 0;
      expect(await post(1, "alloc-of-another")).toBe(409);
      expect(asked(harness)).toEqual([]);
    });

    test("and the policy lists it as public: is granted without a question", async () => {
      await harness.bind({
        RUNNER_POLICY: { ...POLICY, publicRepositories: ["octo-org/*"], pools: [POOL] },
      });
      await harness.sweep();
      says({ private: false });
      expect(await post(1)).toBe(201);
      expect(asked(harness)).toEqual([JIT]);
    });

    test.each([
      ["does not answer", { status: 500 }, 503],
      ["does not say", { status: 200, body: {} }, 503],
      ["does not know it", { status: 404, body: { message: "Not Found" } }, 502],
    ] as const)("or GitHub %s: is given back, so that it can come again", async (_, reply, status) => {
      await bindPools(harness, [POOL]);
      answer(harness, ({ path }) => (path === `/repos/${SCOPE}` ? reply : null));
      expect(await post(1)).toBe(status);
      expect(await harness.rows(`${END} 1`)).toEqual([{ state: "dispatched", end_reason: null }]);
      expect(registrations(harness)).toBe(0);
      harness.github.reply = github.reply;
      expect(await post(1)).toBe(201);
    });

    test("a job's claim asks nothing: its delivery said that it is private", async () => {
      await granted(harness, await waiting(harness, 1));
      expect(asked(harness)).toEqual([JIT]);
    });
  });

  test("of a pool that the policy no longer has is refused", async () => {
    await bindPools(harness, [POOL]);
    const claim = claimOf(harness, warm(1));
    const rows = await harness.rows("SELECT count(*) AS n FROM runners");
    expect(rows).toEqual([{ n: 2 }]);
    await harness.bind({ ...withPools([]) });
    expect((await harness.claim(claim, "alloc-1")).status).toBe(410);
    expect(registrations(harness)).toBe(0);
  });
});
