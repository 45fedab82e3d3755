import { workflowJob } from "../support/harness/deliveries";
import {
  ACCESS_ID,
  ACCESS_SECRET,
  CLAIM_KEY,
  type Dispatch,
  type Harness,
  LINUX,
  NOMAD_TOKEN,
  POLICY,
  signClaim,
  startHarness,
} from "../support/harness/harness";
import { PUBLIC_URL, RUNTIMES } from "../support/harness/runtimes";

/** The claim's own fields, as anybody who has it can read them. */
function decoded(claim: string): Record<string, unknown> {
  const [first = ""] = claim.split(".");
  return JSON.parse(Buffer.from(first, "base64url").toString()) as Record<string, unknown>;
}

describe.each(RUNTIMES)("the dispatch request (%s)", (runtime) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness(runtime);
  });
  beforeEach(async () => {
    await harness.reset();
  });
  afterAll(async () => harness.close());

  async function dispatchOf(options: Parameters<typeof workflowJob>[0]): Promise<Dispatch> {
    expect((await harness.deliver(workflowJob(options))).status).toBe(202);
    const [dispatch, ...more] = harness.dispatches();
    expect(more).toEqual([]);
    if (dispatch === undefined) throw new Error("nothing was dispatched");
    return dispatch;
  }

  test("asks for the class's job, in the configured namespace, with job and ordinal as its token", async () => {
    await dispatchOf({ id: 42 });
    const [sent] = harness.nomad.seen;
    expect(sent?.method).toBe("POST");
    const url = new URL(sent?.path ?? "", "http://nomad");
    expect(url.pathname).toBe("/v1/job/github-runner-linux/dispatch");
    expect(Object.fromEntries(url.searchParams)).toEqual({ namespace: "runners", idempotency_token: "42:1" });
  });

  test("carries Nomad's token and both halves of the Access service token", async () => {
    const { headers } = await dispatchOf({ id: 42 });
    expect(headers).toMatchObject({
      authorization: `Bearer ${NOMAD_TOKEN}`,
      "cf-access-client-id": ACCESS_ID,
      "cf-access-client-secret": ACCESS_SECRET,
      "content-type": "application/json",
    });
  });

  test("carries no Access header where no service token is bound, and uses the default namespace", async () => {
    await harness.bind({
      CF_ACCESS_CLIENT_ID: undefined,
      CF_ACCESS_CLIENT_SECRET: undefined,
      NOMAD_NAMESPACE: undefined,
    });
    const { headers } = await dispatchOf({ id: 42 });
    expect(Object.keys(headers).filter((name) => name.startsWith("cf-access"))).toEqual([]);
    expect(headers.authorization).toBe(`Bearer ${NOMAD_TOKEN}`);
    expect(harness.nomad.seen[0]?.path).toContain("namespace=default");
  });

  test("its body has the payload, the four meta keys and a readable id, and nothing else", async () => {
    const { body, payload } = await dispatchOf({
      id: 42,
      runId: 7,
      name: "build (1)",
      repository: "octo-org/a.b",
    });
    const { Payload, ...rest } = body;
    expect(typeof Payload).toBe("string");
    expect(rest).toEqual({
      Meta: {
        REPO_FULL_NAME: "octo-org/a.b",
        REPO_SHORT_NAME: "a.b",
        WORKFLOW_RUN: "7",
        WORKFLOW_JOB: "42",
      },
      IdPrefixTemplate: "a.b-42",
    });
    const { claim, ...fields } = payload;
    expect(typeof claim).toBe("string");
    expect(fields).toEqual({
      repo: "octo-org/a.b",
      fork: false,
      job: "build (1)",
      run_id: 7,
      job_id: 42,
      claim_url: `${PUBLIC_URL}/runners/claim`,
    });
  });

  test("says of a repository that is itself a fork that it is one", async () => {
    expect((await dispatchOf({ id: 42, fork: true })).payload["fork"]).toBe(true);
  });

  test("its claim names scope, class, job and ordinal, ends in 24 hours, and is signed with the claim key", async () => {
    const before = Math.floor(Date.now() / 1000);
    const { payload } = await dispatchOf({ id: 42, repository: "octo-org/example" });
    const after = Math.floor(Date.now() / 1000);
    const { exp, ...rest } = decoded(payload.claim);
    expect(rest).toEqual({ scope: "octo-org/example", class: "linux", job: 42, ordinal: 1 });
    expect(exp).toBeGreaterThanOrEqual(before + 24 * 3600);
    expect(exp).toBeLessThanOrEqual(after + 24 * 3600);
    expect(payload.claim).toBe(signClaim(decoded(payload.claim), CLAIM_KEY));
  });

  test("is signed with the current claim key while the previous one is still accepted", async () => {
    await harness.bind({
      CLAIM_KEY: "a new key for claims, 32 bytes or more",
      CLAIM_KEY_PREVIOUS: CLAIM_KEY,
    });
    const { payload } = await dispatchOf({ id: 42 });
    expect(payload.claim).toBe(signClaim(decoded(payload.claim), "a new key for claims, 32 bytes or more"));
  });

  test("in organization scope its claim is for the organization", async () => {
    await harness.bind({ RUNNER_POLICY: { ...POLICY, scope: "organization", runnerGroupId: 3 } });
    const { payload } = await dispatchOf({ id: 42, organization: "octo-org" });
    expect(decoded(payload.claim)["scope"]).toBe("octo-org");
    expect(payload["repo"]).toBe("octo-org/example");
  });

  test("goes to the job of the class that fits", async () => {
    const gpu = { ...LINUX, name: "gpu", job: "github-runner-gpu", labels: ["self-hosted", "gpu"] };
    await harness.bind({ RUNNER_POLICY: { ...POLICY, classes: [LINUX, gpu] } });
    const { job, payload } = await dispatchOf({ id: 42, labels: ["self-hosted", "GPU"] });
    expect(job).toBe("github-runner-gpu");
    expect(decoded(payload.claim)["class"]).toBe("gpu");
  });

  test("of a private repository's job asks GitHub nothing", async () => {
    await dispatchOf({ id: 42 });
    expect(harness.github.seen).toEqual([]);
  });

  test("is not sent where a value in the ledger does not fit its pattern, and says so to the operator", async () => {
    harness.nomad.reply = () => ({ status: 500, body: "parameterized job not found" });
    await harness.deliver(workflowJob({ id: 42 }));
    const sent = harness.nomad.seen.length;
    await harness.runtime.db().prepare("UPDATE jobs SET name = '${HOME}'").run();
    await harness.age(61);
    await harness.sweep();
    expect(harness.nomad.seen).toHaveLength(sent);
    expect(await harness.rows("SELECT kind, detail FROM problems ORDER BY last_at DESC LIMIT 1")).toEqual([
      { kind: "permanent", detail: "dispatch field job does not match its pattern; nothing was sent" },
    ]);
  });
});
