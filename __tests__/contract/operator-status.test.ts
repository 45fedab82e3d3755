import { createHash } from "node:crypto";
import { deliveryHeaders, workflowJob } from "../support/harness/deliveries";
import {
  CLAIM_KEY,
  type Harness,
  LINUX,
  NOMAD_TOKEN,
  POLICY,
  STATUS_TOKEN,
  WEBHOOK_SECRET,
  acceptingNomad,
} from "../support/harness/harness";
import { PUBLIC_URL, RUNTIMES } from "../support/harness/runtimes";
import { readSamples } from "../support/prometheus";
import { answerOf, forgetAll, postSigned, useHarness } from "../support/webhook";

const DAY_MS = 86_400_000;
const STACK = createHash("sha256").update(PUBLIC_URL).digest("hex").slice(0, 6);
const BEARER = { Authorization: `Bearer ${STATUS_TOKEN}` };

interface Status {
  readonly scopes: readonly unknown[];
  readonly queued_to_running_ms: {
    readonly count: number;
    readonly p50: number | null;
    readonly p95: number | null;
  };
  readonly oldest_waiting_seconds: number | null;
  readonly problems: readonly {
    readonly first_at: string;
    readonly last_at: string;
    readonly detail: string;
  }[];
  readonly last_sweep_at: string | null;
  readonly [key: string]: unknown;
}

async function get(
  harness: Harness,
  path: string,
  headers: Record<string, string> = BEARER,
): Promise<Response> {
  return harness.runtime.fetch(path, { method: "GET", headers });
}

async function status(harness: Harness): Promise<Status> {
  const response = await get(harness, "/status");
  expect(response.status).toBe(200);
  return (await response.json()) as Status;
}

async function metrics(harness: Harness): Promise<ReadonlyMap<string, number>> {
  const response = await get(harness, "/metrics");
  expect(response.status).toBe(200);
  return readSamples(await response.text());
}

/** Takes the claim of a dispatch and gives the runner's name. */
async function claimed(harness: Harness, token: string): Promise<string> {
  const claim = harness.dispatches().find((one) => one.token === token)?.payload.claim ?? "";
  const response = await harness.claim(claim, token.replace(":", "-"));
  expect(response.status).toBe(201);
  return ((await response.json()) as { runner_name: string }).runner_name;
}

describe.each(RUNTIMES)("/status and /metrics (%s)", (runtime) => {
  const harness = useHarness(runtime);
  const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
  beforeAll(async () => {
    const CREDENTIAL_EXPIRY = { access: inDays(30.5), nomad: inDays(-1.5), github: null };
    const RUNNER_POLICY = {
      ...POLICY,
      classes: [LINUX, { ...LINUX, name: "gpu", labels: ["self-hosted", "gpu"] }],
    };
    await harness().bind({ CREDENTIAL_EXPIRY, RUNNER_POLICY });
  });
  beforeEach(async () => {
    await forgetAll(harness());
    harness().nomad.reply = acceptingNomad;
  });

  test.each([
    ["no bearer", {}],
    ["an empty bearer", { Authorization: "Bearer " }],
    ["the token without its scheme", { Authorization: STATUS_TOKEN }],
    ["another scheme", { Authorization: `Basic ${STATUS_TOKEN}` }],
    ["a token that is longer", { Authorization: `Bearer ${STATUS_TOKEN}x` }],
    ["a token that is shorter", { Authorization: `Bearer ${STATUS_TOKEN.slice(0, -1)}` }],
    ["the token in another case", { Authorization: `Bearer ${STATUS_TOKEN.toUpperCase()}` }],
    ["the token twice", { Authorization: `Bearer ${STATUS_TOKEN}, Bearer ${STATUS_TOKEN}` }],
    ["Nomad's token", { Authorization: `Bearer ${NOMAD_TOKEN}` }],
    ["the key of claims", { Authorization: `Bearer ${CLAIM_KEY}` }],
    ["the token in another header", { "X-Status-Token": STATUS_TOKEN }],
  ])("401 to %s, with nothing of what they would show", async (_, headers) => {
    for (const path of ["/status", "/metrics", `/status?token=${STATUS_TOKEN}`]) {
      expect(await answerOf(await get(harness(), path, headers))).toEqual({
        status: 401,
        body: { error: "bearer is missing, wrong or expired" },
      });
    }
  });

  test("405 to what would change something, before the bearer is looked at", async () => {
    for (const path of ["/status", "/metrics"]) {
      const response = await harness().runtime.fetch(path, { method: "POST", headers: BEARER });
      expect(response.headers.get("Allow")).toBe("GET");
      expect(await answerOf(response)).toEqual({ status: 405, body: { error: "use GET" } });
      expect((await harness().runtime.fetch(path, { method: "HEAD", headers: BEARER })).status).toBe(200);
    }
  });

  test("with nothing to tell they tell it", async () => {
    expect(await status(harness())).toEqual({
      version: expect.stringMatching(/^(development|\d+\.\d+\.\d+)$/) as unknown,
      stack_id: STACK,
      scopes: [],
      pools: [],
      jobs: {},
      runners: {},
      queued_to_running_ms: { count: 0, p50: null, p95: null },
      oldest_waiting_seconds: null,
      paused: [],
      problems: [],
      last_sweep_at: null,
      clean_up: {
        mode: "off",
        last_pass_at: null,
        scope: null,
        strays: [],
        removed: { registrations: 0, runners: 0, last_at: null },
      },
      recovery: {
        mode: "off",
        last_pass_at: null,
        repositories: 0,
        behind_seconds: 0,
        found: { jobs: 0, last_at: null },
        refused: [],
      },
      credential_days_left: { access: 30, nomad: -2, github: null },
      redelivery: {
        mode: "off",
        why: "policy",
        hooks: {},
        last_round_at: null,
        last_round_seconds: null,
        pending: 0,
        asked: 0,
        given_up: 0,
        last_problem: null,
      },
    });
    const response = await get(harness(), "/metrics");
    expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const samples = readSamples(await response.text());
    expect([...samples.keys()].sort()).toEqual([
      expect.stringMatching(/^runners_build_info\{version=/),
      'runners_cleaned_up{what="registrations"}',
      'runners_cleaned_up{what="runners"}',
      'runners_credential_days_left{credential="access"}',
      'runners_credential_days_left{credential="nomad"}',
      "runners_recovered_jobs",
      "runners_recovery_behind_seconds",
      "runners_recovery_repositories",
      'runners_redeliveries{what="asked"}',
      'runners_redeliveries{what="given_up"}',
      'runners_redeliveries{what="pending"}',
    ]);
    expect(samples.get('runners_credential_days_left{credential="nomad"}')).toBe(-2);
  });

  test("they count who waits, who is on the way, who holds a claim and who works, by scope and class", async () => {
    for (const id of [1, 2, 3]) await postSigned(harness(), workflowJob({ id }));
    await postSigned(harness(), workflowJob({ id: 4, labels: ["gpu", "self-hosted"] }));
    await postSigned(harness(), workflowJob({ id: 5, repository: "me/tool" }));
    await harness().age(90);
    await claimed(harness(), "2:1");
    await postSigned(
      harness(),
      workflowJob({ id: 1, action: "in_progress", runner: await claimed(harness(), "1:1") }),
    );
    await postSigned(
      harness(),
      workflowJob({ id: 5, repository: "me/tool", action: "completed", conclusion: "cancelled" }),
    );

    const shown = await status(harness());
    const none = { waiting: 0, on_the_way: 0, holders: 0, busy: 0 };
    const scope = "octo-org/example";
    expect(shown.scopes).toEqual([
      { scope: "me/tool", class: "linux", ...none, on_the_way: 1 },
      { scope, class: "gpu", ...none, waiting: 1, on_the_way: 1 },
      { scope, class: "linux", waiting: 2, on_the_way: 2, holders: 1, busy: 1 },
    ]);
    expect(shown["jobs"]).toEqual({ completed: 1, in_progress: 1, waiting: 3 });
    expect(shown["runners"]).toEqual({ busy: 1, claimed: 1, dispatched: 3 });
    expect(shown.queued_to_running_ms.count).toBe(1);
    expect(Math.floor((shown.queued_to_running_ms.p50 ?? 0) / 1000)).toBeGreaterThanOrEqual(90);
    expect(shown.oldest_waiting_seconds).toBeGreaterThanOrEqual(90);

    const samples = await metrics(harness());
    const of = (name: string) => samples.get(`runners_${name}{class="linux",scope="${scope}"}`);
    expect(["waiting", "on_the_way", "holders", "busy"].map(of)).toEqual([2, 2, 1, 1]);
    expect(samples.get('runners_ledger_jobs{state="waiting"}')).toBe(3);
    expect(samples.get('runners_ledger_runners{state="dispatched"}')).toBe(3);
    expect(samples.get("runners_oldest_waiting_seconds")).toBeGreaterThanOrEqual(90);
    expect(samples.get('runners_queued_to_running_seconds{quantile="0.95"}')).toBeGreaterThanOrEqual(90);
  });

  test("after everything is done nobody is left in the counts", async () => {
    await postSigned(harness(), workflowJob({ id: 1 }));
    const runner = await claimed(harness(), "1:1");
    await postSigned(harness(), workflowJob({ id: 1, action: "in_progress", runner }));
    await postSigned(harness(), workflowJob({ id: 1, action: "completed", runner }));
    const shown = await status(harness());
    expect(shown).toMatchObject({ scopes: [], jobs: { completed: 1 }, runners: { ended_done: 1 } });
    expect(shown.oldest_waiting_seconds).toBeNull();
  });

  test.each([
    [
      "access",
      { status: 302, headers: { Location: "https://team.cloudflareaccess.test/login?token=abc" } },
      "team.cloudflareaccess.test",
    ],
    [
      "access",
      { status: 200, headers: { "Content-Type": "text/html" }, body: "<html>Sign in</html>" },
      "an HTML page",
    ],
    ["permanent", { status: 500, body: "parameterized job not found" }, "parameterized job not found"],
    ["denied", { status: 403, body: "Permission denied" }, "Permission denied"],
  ] as const)(
    "an outage that an operator can mend shows as %s, how often and since when",
    async (kind, reply, text) => {
      harness().nomad.reply = () => reply;
      const before = Date.now();
      // What follows the answer retries for 25 s; the first failure is enough here.
      const body = JSON.stringify(workflowJob({ id: 1 }));
      await harness().post(body, deliveryHeaders(WEBHOOK_SECRET, body));
      for (let round = 0; round < 200 && (await status(harness())).problems.length === 0; round++) {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      await harness().age(120);
      await harness().sweep();
      const [problem, ...others] = (await status(harness())).problems;
      expect(others).toEqual([]);
      expect(problem).toMatchObject({ source: "nomad", kind });
      expect(problem?.detail).toContain(text);
      expect(problem?.detail).not.toContain("token=");
      expect(Date.parse(problem?.first_at ?? "")).toBeGreaterThanOrEqual(before - 1);
      expect(Date.parse(problem?.last_at ?? "")).toBeGreaterThanOrEqual(Date.parse(problem?.first_at ?? ""));
      const count = (problem as { count?: number } | undefined)?.count ?? 0;
      expect(count).toBeGreaterThanOrEqual(2);
      expect((await metrics(harness())).get(`runners_problems{kind="${kind}",source="nomad"}`)).toBe(count);
    },
  );

  test("they say when the last sweep was", async () => {
    const before = Date.now();
    await harness().sweep();
    expect(Date.parse((await status(harness())).last_sweep_at ?? "")).toBeGreaterThanOrEqual(before - 1);
    const since = (await metrics(harness())).get("runners_since_sweep_seconds") ?? -1;
    expect(since).toBeGreaterThanOrEqual(0);
    expect(since).toBeLessThanOrEqual((Date.now() - before) / 1000 + 1);
  });

  test("503 while the ledger does not answer", async () => {
    const db = harness().runtime.db();
    await db.prepare("ALTER TABLE jobs RENAME TO jobs_away").run();
    try {
      for (const path of ["/status", "/metrics"]) {
        const response = await get(harness(), path);
        expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
        expect(await answerOf(response)).toEqual({ status: 503, body: { error: "not now; try again" } });
      }
    } finally {
      await db.prepare("ALTER TABLE jobs_away RENAME TO jobs").run();
    }
    expect((await status(harness())).scopes).toEqual([]);
  });
});
