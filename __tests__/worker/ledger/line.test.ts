import { recordRegistration, takeClaim } from "../../../worker/ledger/claims";
import type { LedgerContext } from "../../../worker/ledger/context";
import { leaseDispatches, recordDispatches } from "../../../worker/ledger/dispatches";
import { completed, queued, started } from "../../../worker/ledger/jobs";
import { settle } from "../../../worker/ledger/work";
import { LINUX_CLASS, type TestLedger, startLedger } from "./database";

const A = "octo-org/a";
const B = "octo-org/b";
const ONE = { ...LINUX_CLASS, maxRunners: 1 };
const POOL = [{ scope: A, class: "linux", size: 1 }];
const WARM = "abcdef-linux-warm-1";

describe("the line of a class of one runner, where a repository has a pool of one", () => {
  let ledger: TestLedger;
  let context: LedgerContext;
  beforeAll(async () => {
    ledger = await startLedger();
    context = { ...ledger.context, policy: { ...ledger.context.policy, classes: [ONE] } };
  });
  beforeEach(async () => {
    await ledger.empty();
  });
  afterAll(async () => ledger.close());

  const placed = (jobId: number, repo: string): Parameters<typeof queued>[1] => ({
    jobId,
    scope: repo,
    class: "linux",
    repo,
    runId: 1,
    name: "build",
    fork: false,
    delivery: `g${String(jobId)}`,
  });
  const arrive = async (jobId: number, repo: string): Promise<void> => {
    ledger.clock += 1_000;
    await queued(context, placed(jobId, repo), false);
  };
  const send = async (): Promise<string[]> => {
    const leased = await leaseDispatches(context, 6);
    const deadlineAt = ledger.clock + 300_000;
    await recordDispatches(
      context,
      leased.map(({ name }) => ({ name, ok: true, deadlineAt })),
      new Map(),
    );
    return leased.map(({ name }) => name);
  };
  /** The pool's runner works on the first job, and the class is at its maximum. */
  const full = async (): Promise<void> => {
    await settle(context, POOL);
    expect(await send()).toEqual([WARM]);
    const claim = { scope: A, class: "linux", job: 0, ordinal: 1, exp: 2_000_000_000 };
    const taken = await takeClaim(context, claim, "a", ONE, 1);
    if (taken.outcome !== "taken") throw new Error(`claim: ${taken.outcome}`);
    await recordRegistration(context, taken.claim, 7);
    await queued(context, placed(1, A), false);
    await started(context, 1, placed(1, A), WARM);
  };

  test("is kept by a job whose pool's next runner is requested after it", async () => {
    await full();
    await arrive(2, A);
    await arrive(3, B);
    ledger.clock += 1_000;
    await settle(context, POOL);
    await completed(context, 1, placed(1, A), WARM, "success");
    expect(await send()).toEqual(["abcdef-linux-2-1"]);
  });

  test("has no place for a request that its job needs no more", async () => {
    await full();
    await arrive(2, A);
    await completed(context, 2, placed(2, A), null, "cancelled");
    await arrive(3, B);
    ledger.clock += 1_000;
    await settle(context, POOL);
    await completed(context, 1, placed(1, A), WARM, "success");
    expect(await send()).toEqual(["abcdef-linux-3-1"]);
  });
});
