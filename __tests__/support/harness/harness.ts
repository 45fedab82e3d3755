import { createHmac } from "node:crypto";
import { type Delivery, deliveryHeaders } from "./deliveries";
import { type Origin, type Reply, type Seen, startOrigin } from "./origin";
import { PUBLIC_URL, type Runtime, type RuntimeName, startRuntime } from "./runtimes";

export const WEBHOOK_SECRET = "a webhook secret for tests, 32 bytes or more";
export const CLAIM_KEY = "a claim key for tests, 32 bytes or more, too";
export const STATUS_TOKEN = "a-status-token-for-tests";
export const NOMAD_TOKEN = "11111111-2222-3333-4444-555555555555";
export const GITHUB_TOKEN = "github_pat_for_tests";
export const ACCESS_ID = "abcdef.access";
export const ACCESS_SECRET = "an-access-secret-for-tests";

/** A class as policies in tests have it. */
export const LINUX = {
  name: "linux",
  job: "github-runner-linux",
  labels: ["self-hosted", "linux", "x64"],
  maxRunners: 0,
  maxRunnersPerRepository: 0,
  pickupDeadlineSeconds: 300,
  idleTimeoutSeconds: 300,
  maxDurationSeconds: 21_600,
};

export const POLICY = {
  scope: "repository",
  repositories: ["octo-org/*", "me/tool"],
  publicRepositories: ["octo-org/public-*"],
  forkPullRequests: "refuse",
  requireSelfHostedLabel: true,
  // Tests count requests to GitHub; those of the clean-up, of the recovery and of redelivery turn theirs on.
  cleanUp: "off",
  recovery: "off",
  redelivery: "off",
  classes: [LINUX],
};

/** The Worker with a scripted GitHub and a scripted Nomad. */
export interface Harness {
  readonly runtime: Runtime;
  readonly github: Origin;
  readonly nomad: Origin;
  /** Sends a delivery as GitHub does and waits for what follows it. */
  deliver(body: Delivery, guid?: string): Promise<Response>;
  /** The same without waiting. */
  post(body: string | Uint8Array, headers: Record<string, string>): Promise<Response>;
  claim(claim: string, holder?: string): Promise<Response>;
  /** @param exit value of `X-Runner-Exit` */
  release(claim: string, holder?: string, exit?: string): Promise<Response>;
  sweep(): Promise<void>;
  rows(sql: string): Promise<Record<string, string | number | null>[]>;
  /** Makes everything in the ledger older: the way tests let time pass. */
  age(seconds: number): Promise<void>;
  dispatches(): Dispatch[];
  /** Changes bindings until the next `reset`; one of `undefined` is left out. */
  bind(changes: Readonly<Record<string, unknown>>): Promise<void>;
  /** Empties the ledger, forgets requests, and puts bindings and replies back. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** A dispatch as the scripted Nomad received it. */
export interface Dispatch {
  readonly job: string;
  /** `<job id>:<ordinal>`. */
  readonly token: string;
  readonly headers: Seen["headers"];
  readonly body: Record<string, unknown>;
  readonly payload: Record<string, unknown> & { readonly claim: string; readonly claim_url: string };
}

export const BINDINGS = {
  RUNNER_POLICY: POLICY,
  GITHUB_WEBHOOK_SECRET: WEBHOOK_SECRET,
  GITHUB_TOKEN,
  NOMAD_TOKEN,
  NOMAD_NAMESPACE: "runners",
  CF_ACCESS_CLIENT_ID: ACCESS_ID,
  CF_ACCESS_CLIENT_SECRET: ACCESS_SECRET,
  PUBLIC_URL,
  CLAIM_KEY,
  STATUS_TOKEN,
};

export async function startHarness(name: RuntimeName): Promise<Harness> {
  const github = await startOrigin(acceptingGithub());
  const nomad = await startOrigin(acceptingNomad);
  const bindings = { ...BINDINGS, GITHUB_API_URL: github.url, NOMAD_ADDR: nomad.url };
  const runtime = await startRuntime(name, bindings);
  const post: Harness["post"] = async (body, headers) =>
    runtime.fetch("/webhook", { method: "POST", body: body as string, headers });
  const claimCall = (method: string) => async (claim: string, holder?: string, exit?: string) => {
    const headers = {
      Authorization: `Bearer ${claim}`,
      ...(holder === undefined ? {} : { "X-Runner-Holder": holder }),
      ...(exit === undefined ? {} : { "X-Runner-Exit": exit }),
    };
    const response = await runtime.fetch("/runners/claim", { method, headers });
    await runtime.idle();
    return response;
  };
  // The first request makes the tables.
  await runtime.sweep();
  return {
    runtime,
    github,
    nomad,
    post,
    deliver: async (body, guid) => {
      const text = JSON.stringify(body);
      const response = await post(text, deliveryHeaders(WEBHOOK_SECRET, text, guid));
      await runtime.idle();
      return response;
    },
    claim: claimCall("POST"),
    release: claimCall("DELETE"),
    sweep: async () => runtime.sweep(),
    rows: async (sql) => (await runtime.db().prepare(sql).all()).results,
    age: async (seconds) => age(runtime, seconds * 1000),
    dispatches: () => nomad.seen.filter((one) => one.path.includes("/dispatch")).map(asDispatch),
    bind: async (changes) => {
      await runtime.rebind(changes);
      // The first request makes the tables anew.
      if (!("LEDGER" in changes)) await runtime.sweep();
    },
    reset: async () => {
      await runtime.rebind({});
      await runtime.sweep();
      const tables = [
        "jobs",
        "runners",
        "problems",
        "marks",
        "pauses",
        "strays",
        "scopes",
        "repos",
        "hooks",
        "hook_targets",
        "redeliveries",
      ];
      await runtime.db().batch(tables.map((table) => runtime.db().prepare(`DELETE FROM ${table}`)));
      github.seen.length = 0;
      nomad.seen.length = 0;
      github.reply = acceptingGithub();
      nomad.reply = acceptingNomad;
      runtime.lines.length = 0;
    },
    close: async () => {
      await runtime.close();
      await Promise.all([github.close(), nomad.close()]);
    },
  };
}

const JOB_TIMES = ["arrived_at", "queued_at", "started_at", "completed_at", "next_look_at", "updated_at"];
const RUNNER_TIMES = [
  "requested_at",
  "next_attempt_at",
  "leased_until",
  "dispatched_at",
  "until",
  "claimed_at",
  "busy_at",
  "next_look_at",
  "ended_at",
];

async function age(runtime: Runtime, ms: number): Promise<void> {
  const update = (table: string, columns: readonly string[]) =>
    runtime
      .db()
      .prepare(
        `UPDATE ${table} SET ${columns.map((column) => `${column} = ${column} - ${String(ms)}`).join(", ")}`,
      );
  await runtime
    .db()
    .batch([
      update("jobs", JOB_TIMES),
      update("runners", RUNNER_TIMES),
      update("strays", ["first_at", "last_at", "next_look_at"]),
      update("scopes", ["active_at", "next_at", "started_at"]),
      update("pauses", ["since"]),
      update("repos", ["active_at", "next_at"]),
      update("marks", ["at"]),
      update("hooks", ["check_at"]),
      update("hook_targets", ["next_at"]),
      update("redeliveries", ["next_at", "failed_at"]),
    ]);
}

function asDispatch(seen: Seen): Dispatch {
  const url = new URL(seen.path, "http://nomad");
  const body = JSON.parse(seen.body) as Record<string, unknown>;
  const payload = JSON.parse(
    Buffer.from(String(body["Payload"]), "base64").toString("utf8"),
  ) as Dispatch["payload"];
  const job = /^\/v1\/job\/([^/]+)\/dispatch$/.exec(url.pathname)?.[1] ?? "";
  return {
    job,
    token: url.searchParams.get("idempotency_token") ?? "",
    headers: seen.headers,
    body,
    payload,
  };
}

/** Nomad's answer to an accepted dispatch. */
export function acceptingNomad(): Reply {
  const id = "github-runner-linux/dispatch-example-1001-1795238030-0ddb2c9c";
  return {
    status: 200,
    body: {
      DispatchedJobID: id,
      EvalID: "f7ea5880-88b0-b0b3-99f4-d2d910615439",
      EvalCreateIndex: 7,
      JobCreateIndex: 7,
      Index: 7,
    },
  };
}

/** A GitHub that registers every runner, knows none, and says of every job that it is queued and of every repository
 *  that it is private. */
export function acceptingGithub(): Origin["reply"] {
  let id = 100;
  return ({ method, path, body }) => {
    if (path.endsWith("/generate-jitconfig")) {
      const { name } = JSON.parse(body) as { name: string };
      id += 1;
      const runner = {
        id,
        name,
        os: "unknown",
        status: "offline",
        busy: false,
        labels: [],
        runner_group_id: 1,
      };
      return {
        status: 201,
        body: { runner, encoded_jit_config: Buffer.from(`jit of ${name}`).toString("base64") },
      };
    }
    if (method === "DELETE") return { status: 204 };
    if (path.includes("/actions/runners?")) return { status: 200, body: { total_count: 0, runners: [] } };
    if (/\/repos\/[^/]+\/[^/]+$/.test(path)) return { status: 200, body: { private: true } };
    if (path.includes("/actions/jobs/"))
      return { status: 200, body: { status: "queued", conclusion: null, runner_name: null } };
    return { status: 404, body: { message: "Not Found" } };
  };
}

/** Signs a claim as the Worker does; for claims that it never made. */
export function signClaim(claim: Readonly<Record<string, unknown>>, key: string = CLAIM_KEY): string {
  const first = Buffer.from(JSON.stringify(claim)).toString("base64url");
  return `${first}.${createHmac("sha256", key).update(first).digest("base64url")}`;
}
