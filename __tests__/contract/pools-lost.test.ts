import { type Registry, claimOf, registry, tokens } from "../support/claims";
import { workflowJob } from "../support/harness/deliveries";
import { type Harness, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import { POOL, bindPools, idle, warm, warmTokens } from "./support/pools";

/** Long enough for nothing to be mended by it here. */
const IDLE = { idleTimeoutSeconds: 86_400 };

describe.each(RUNTIMES)("a pool's idle runner that covers a job (%s)", (runtime) => {
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

  const status = (word: "online" | "offline"): void => {
    Object.assign(github.runners[0] ?? {}, { status: word });
  };
  const minutes = async (count: number): Promise<void> => {
    for (let minute = 0; minute < count; minute++) {
      await harness.age(61);
      await harness.sweep();
    }
  };
  /** An hour after its claim a job arrives. */
  const cover = async (): Promise<void> => {
    await bindPools(harness, [{ ...POOL, size: 1 }], IDLE);
    await idle(harness, 1);
    await harness.age(3_600);
    expect((await harness.deliver(workflowJob({ id: 11 }))).status).toBe(202);
    expect(tokens(harness)).toEqual([warm(1)]);
  };

  test("whose node is lost is removed and replaced when GitHub calls it offline twice, not at its idle timeout", async () => {
    await cover();
    status("offline");
    await minutes(1);
    expect(tokens(harness)).toEqual([warm(1)]);
    await minutes(1);
    expect(github.runners).toHaveLength(1);
    await minutes(1);
    expect(warmTokens(harness)).toEqual([warm(1), warm(2)]);
    expect(github.runners).toEqual([]);
    expect((await harness.claim(claimOf(harness, warm(2)), "alloc-2")).status).toBe(201);
  });

  test("stays when it was offline for one look", async () => {
    await cover();
    status("offline");
    await minutes(1);
    status("online");
    await minutes(20);
    expect(tokens(harness)).toEqual([warm(1)]);
    expect(github.runners).toHaveLength(1);
  });

  test("that begins its job while it is to be removed has it for good", async () => {
    await cover();
    status("offline");
    await minutes(2);
    Object.assign(github.runners[0] ?? {}, { status: "online", busy: true });
    await minutes(2);
    expect(github.runners).toHaveLength(1);
  });
});
