import { type GithubStandIn, startGithub } from "../../local/github/github";
import { SCOPE } from "../support/claims";
import { eventually } from "../support/eventually";
import { type Dispatch, GITHUB_TOKEN, type Harness, startHarness } from "../support/harness/harness";
import { POOL, pools, withPools } from "./support/pools";

const MINUTE_MS = 60_000;

/** An allocation of the pool and what its listener holds. */
interface Allocation {
  readonly claim: string;
  readonly holder: string;
  readonly runner: string;
}

// On the sources in Node, in one process with the stand-in, so that both have the clock that the test moves.
describe("a pool of 4 that nobody needs", () => {
  let harness: Harness;
  let github: GithubStandIn;
  let offset = 0;
  let allocations: Allocation[] = [];
  const started = new Set<string>();
  const { now } = Date;

  beforeAll(async () => {
    harness = await startHarness("node");
  });
  beforeEach(async () => {
    await harness.reset();
    offset = 0;
    allocations = [];
    started.clear();
    jest.spyOn(Date, "now").mockImplementation(() => now() + offset);
  });
  afterEach(async () => {
    jest.spyOn(Date, "now").mockRestore();
    await github.close();
  });
  afterAll(async () => harness.close());

  /** @param removedAfter how long GitHub keeps an idle runner */
  async function begin(removedAfter: number): Promise<void> {
    github = await startGithub({
      tokens: [{ token: GITHUB_TOKEN, owner: "octo-org" }],
      // Its listeners only connect here, and are not cut off for not asking again.
      settings: { idleRemovalMs: removedAfter, disconnectMs: Number.POSITIVE_INFINITY },
    });
    github.addRepository({ fullName: SCOPE });
    await harness.bind({ GITHUB_API_URL: github.url, ...withPools([{ ...POOL, size: 4 }]) });
  }

  /** What a node does with a dispatch: claim, connect, wait for a job. */
  async function startOne({ token, payload }: Dispatch): Promise<void> {
    started.add(token);
    const holder = `alloc-${token.split(":").at(-1) ?? ""}`;
    const answer = await harness.claim(payload.claim, holder);
    expect(answer.status).toBe(201);
    const granted = (await answer.json()) as { runner_name: string; encoded_jit_config: string };
    const { serverUrl, token: bearer } = listenerOf(granted.encoded_jit_config);
    const headers = { Authorization: `Bearer ${bearer}` };
    const session = await fetch(`${serverUrl}/_listener/sessions`, { method: "POST", headers });
    expect(session.status).toBe(201);
    allocations.push({ claim: payload.claim, holder, runner: granted.runner_name });
  }

  async function startAll(): Promise<void> {
    for (const dispatch of harness.dispatches()) if (!started.has(dispatch.token)) await startOne(dispatch);
  }

  /** A minute: GitHub removes who idled too long, their listeners leave (exit 22), the cron fires, what was dispatched
   *  starts. */
  async function minute(removedAfter: number): Promise<void> {
    offset += MINUTE_MS;
    const since = Date.now() - removedAfter;
    const due = registrations().filter(({ at }) => at < since).length;
    await eventually(() => count("runner.removed") >= due);
    const there = new Set(github.runners().map(({ name }) => name));
    const left = allocations.filter(({ runner }) => !there.has(runner));
    allocations = allocations.filter(({ runner }) => there.has(runner));
    for (const { claim, holder } of left)
      expect((await harness.release(claim, holder, "22")).status).toBe(204);
    await startAll();
    await harness.sweep();
    await startAll();
  }

  const registrations = () => github.events.all().filter(({ type }) => type === "runner.registered");
  const count = (type: string): number => github.events.all().filter((event) => event.type === type).length;

  /** Most registrations within any 5 minutes: what GitHub's limit of 1,500 counts. */
  function mostInFiveMinutes(): number {
    const times = registrations().map(({ at }) => at);
    return Math.max(
      ...times.map((from) => times.filter((at) => at >= from && at < from + 5 * MINUTE_MS).length),
    );
  }

  test("stays at 4 for half an hour while GitHub removes idle runners after 3 minutes, by some 40 registrations", async () => {
    await begin(3 * MINUTE_MS);
    await startAll();
    for (let passed = 1; passed <= 30; passed++) {
      await minute(3 * MINUTE_MS);
      expect(github.runners().filter(({ online }) => online)).toHaveLength(4);
      expect(await pools(harness)).toMatchObject([{ size: 4, idle: 4, starting: 0, busy: 0 }]);
    }
    // The first four, and four anew every third or fourth minute: 44 when it was measured.
    expect(registrations().length).toBeGreaterThanOrEqual(4 + 4 * 7);
    expect(registrations().length).toBeLessThanOrEqual(4 + 4 * 10);
    expect(harness.dispatches()).toHaveLength(registrations().length);
    expect(mostInFiveMinutes()).toBeLessThanOrEqual(8);
  }, 120_000);

  test("asks for at most 40 registrations in a quarter of an hour while GitHub removes every runner within seconds", async () => {
    await begin(5_000);
    await startAll();
    for (let passed = 1; passed <= 15; passed++) {
      // What the minute adds to the age of a runner would make it an idle one: these go within seconds of their claim.
      offset += 6_000;
      await eventually(() => github.runners().length === 0);
      for (const { claim, holder } of allocations.splice(0)) await harness.release(claim, holder, "22");
      offset += MINUTE_MS - 6_000;
      await harness.sweep();
      await startAll();
    }
    expect(registrations().length).toBeGreaterThan(12);
    expect(registrations().length).toBeLessThanOrEqual(40);
  }, 120_000);
});

/** What a listener reads of a JIT config: where it connects, and with what. */
function listenerOf(jitConfig: string): { readonly serverUrl: string; readonly token: string } {
  const decode = (text: string): unknown => JSON.parse(Buffer.from(text, "base64").toString("utf8"));
  const files = decode(jitConfig) as Readonly<Record<".runner" | ".credentials", string>>;
  const { ServerUrl } = decode(files[".runner"]) as { ServerUrl: string };
  const { Data } = decode(files[".credentials"]) as { Data: { Token: string } };
  return { serverUrl: ServerUrl, token: Data.Token };
}
