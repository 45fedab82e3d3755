import { workflowJob } from "../support/harness/deliveries";
import { type Harness, acceptingNomad, startHarness } from "../support/harness/harness";
import type { Reply } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  NO_SUCH_JOB,
  gate,
  jobs,
  postJob,
  queueManyUnsent,
  queueUnsent,
  tokens,
  until,
} from "./support/dispatching";

const firstTokens = (count: number): string[] => jobs(count).map(({ id }) => `${String(id)}:1`);
const byNumber = (a: string, b: string): number => Number.parseInt(a) - Number.parseInt(b);

describe.each(RUNTIMES)("a request that is being sent (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterEach(async () => {
    harness.nomad.reply = acceptingNomad;
    await harness.runtime.idle();
  });
  afterAll(async () => harness.close());

  test("is one sender's: two sweeps at once send each of them once", async () => {
    await queueManyUnsent(harness, 20);
    harness.nomad.reply = acceptingNomad;
    await Promise.all([harness.sweep(), harness.sweep()]);
    expect(tokens(harness).sort(byNumber)).toEqual(firstTokens(20));
  });

  test("is one sender's: twenty deliveries at once, each of them twice, send each token once", async () => {
    const answers = await Promise.all(
      [...jobs(20), ...jobs(20)].map(async ({ id = 0 }) => postJob(harness, { id }, `guid-${String(id)}`)),
    );
    expect(new Set(answers.map((one) => one.status))).toEqual(new Set([202]));
    await until(
      "everything was dispatched",
      async () => (await harness.rows("SELECT 1 FROM runners WHERE state = 'dispatched'")).length === 20,
      10,
    );
    await harness.runtime.idle();
    await harness.sweep();
    expect(tokens(harness).sort(byNumber)).toEqual(firstTokens(20));
  });

  test("is nobody else's until its sender's time is over, and then goes out under the same token", async () => {
    const first = gate<Reply>();
    harness.nomad.reply = () => first.opened;
    await postJob(harness, { id: 1 });
    await until("Nomad was asked", () => harness.nomad.seen.length === 1);
    harness.nomad.reply = acceptingNomad;
    await harness.sweep();
    await harness.age(29);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1"]);
    await harness.age(2);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:1"]);
    expect(await harness.rows("SELECT ordinal, state FROM runners")).toEqual([
      { ordinal: 1, state: "dispatched" },
    ]);
    // The first sender's answer comes late, and is about the past.
    first.open(NO_SUCH_JOB);
    await until(
      "it was taken note of",
      async () => (await harness.rows("SELECT 1 FROM problems")).length > 0,
    );
    await harness.age(61);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:1"]);
    expect(await harness.rows("SELECT state, error FROM runners")).toEqual([
      { state: "dispatched", error: null },
    ]);
  });

  test("stays its second sender's when the first one's failure comes late", async () => {
    const replies = [gate<Reply>(), gate<Reply>()] as const;
    let asked = 0;
    harness.nomad.reply = () => (asked++ === 0 ? replies[0] : replies[1]).opened;
    await postJob(harness, { id: 1 });
    await until("Nomad was asked", () => harness.nomad.seen.length === 1);
    await harness.age(31);
    const second = harness.sweep();
    await until("Nomad was asked again", () => harness.nomad.seen.length === 2);
    replies[0].open({ status: 429, body: "busy" });
    await until(
      "it was taken note of",
      async () => (await harness.rows("SELECT 1 FROM problems")).length > 0,
    );
    // Two seconds later a third sender could have had it.
    await harness.age(5);
    await harness.sweep();
    expect(tokens(harness)).toEqual(["1:1", "1:1"]);
    replies[1].open(acceptingNomad());
    await second;
    expect(await harness.rows("SELECT state FROM runners")).toEqual([{ state: "dispatched" }]);
  });

  test("goes on to what else is due, be the first six refused for good", async () => {
    await queueUnsent(harness, jobs(8));
    harness.nomad.reply = ({ path }) => (/token=[78]%3A/.test(path) ? acceptingNomad() : NO_SUCH_JOB);
    await harness.deliver(workflowJob({ id: 9 }));
    await until(
      "the last two went out",
      async () => (await harness.rows("SELECT 1 FROM runners WHERE state = 'dispatched'")).length === 2,
    );
    expect(tokens(harness).sort(byNumber)).toEqual(firstTokens(9));
  });
});
