import { createHmac, generateKeyPairSync } from "node:crypto";
import { eventually } from "../support/eventually";
import { deliveryHeaders, sign, workflowJob } from "../support/harness/deliveries";
import {
  BINDINGS,
  type Harness,
  WEBHOOK_SECRET,
  acceptingGithub,
  acceptingNomad,
  signClaim,
} from "../support/harness/harness";
import type { Reply, Seen } from "../support/harness/origin";
import { RUNTIMES } from "../support/harness/runtimes";
import { linesSoFar, useHarness } from "../support/webhook";

const PREVIOUS = "the secret before this one, 32 bytes or more";
const INSTALLATION_TOKEN = "ghs_installation_token_for_tests";
const LOGIN_TOKEN = "a-token-in-a-login-url";
const HOUR = 3600;

/** The App's key, as GitHub gives it out. */
const PRIVATE_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();

const CREDENTIALS = {
  "a personal access token": {},
  "an App": { GITHUB_TOKEN: undefined, GITHUB_APP_ID: "12345", GITHUB_APP_PRIVATE_KEY: PRIVATE_KEY },
};

/** Something in front of a service that says back what it was sent, as a debugging proxy does. */
function echo(status: number, what = ""): (request: Seen) => Reply {
  return ({ headers, body }) => ({
    status,
    body: { message: `${what} ${JSON.stringify(headers)} ${body}` },
  });
}

/** The same as text, short enough for all of it to get into a detail. */
function echoOf(status: number, what: string, ...names: readonly string[]): (request: Seen) => Reply {
  return ({ headers }) => ({
    status,
    body: `${what} ${names.map((name) => String(headers[name])).join(" ")}`,
  });
}

/** One long life of a Worker, in which every answer is kept and every secret that turns up is noted. */
class Scenario {
  readonly answers: { readonly status: number; readonly text: string }[] = [];
  readonly secrets = new Set<string>();
  readonly jits = new Set<string>();

  constructor(private readonly harness: Harness) {}

  async ask(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Response> {
    const init = body === undefined ? { method, headers } : { method, headers, body };
    const response = await this.harness.runtime.fetch(path, init);
    const said = [...headerLines(response), await response.clone().text()].join("\n");
    this.answers.push({ status: response.status, text: said });
    return response;
  }

  async deliver(body: string, changes: Record<string, string> = {}, secret = WEBHOOK_SECRET): Promise<void> {
    const headers = { ...deliveryHeaders(secret, body), ...changes };
    this.secrets.add(String(headers["X-Hub-Signature-256"]).replace("sha256=", ""));
    await this.ask("POST", "/webhook", headers, body);
  }

  async job(options: Parameters<typeof workflowJob>[0]): Promise<void> {
    await this.deliver(JSON.stringify(workflowJob(options)));
  }

  /** The claim that a dispatch carried, once it was sent. */
  async claimOf(token: string): Promise<string> {
    const find = () => this.harness.dispatches().find((one) => one.token === token)?.payload.claim;
    if (!(await eventually(() => find() !== undefined))) throw new Error(`no dispatch ${token}`);
    return find() ?? "";
  }

  async claim(method: "POST" | "DELETE", claim: string, holder = "a"): Promise<void> {
    const headers = { Authorization: `Bearer ${claim}`, "X-Runner-Holder": holder };
    const response = await this.ask(method, "/runners/claim", headers);
    if (response.status === 201) {
      const { encoded_jit_config: jit } = (await response.json()) as { encoded_jit_config: string };
      this.jits.add(jit).add(Buffer.from(jit, "base64").toString("utf8"));
    }
    this.secrets.add(claim);
  }

  async passed(seconds: number): Promise<void> {
    await this.harness.age(seconds);
    await this.harness.sweep();
  }

  /** Until the ledger counts a problem of this kind. */
  async problem(kind: string): Promise<void> {
    const sql = `SELECT kind FROM problems WHERE kind = '${kind}'`;
    if (!(await eventually(async () => (await this.harness.rows(sql)).length > 0)))
      throw new Error(`no ${kind}`);
  }
}

function headerLines(response: Response): string[] {
  const lines: string[] = [];
  response.headers.forEach((value, name) => lines.push(`${name}: ${value}`));
  return lines;
}

/** Every answer that there is to a delivery. */
async function deliveries(it: Scenario, harness: Harness): Promise<void> {
  const body = JSON.stringify(workflowJob({ id: 1 }));
  await it.deliver(body);
  await it.deliver(body, {}, PREVIOUS);
  await it.deliver(body, { "X-GitHub-Event": "ping" });
  await it.job({ id: 2, labels: ["ubuntu-latest"] });
  await it.deliver("payload=%7B%7D", { "Content-Type": "application/x-www-form-urlencoded" });
  await it.deliver(body, { "X-Hub-Signature-256": sign("a stranger's secret", body) });
  await it.deliver(body, {
    "X-Hub-Signature-256": `sha1=${createHmac("sha1", WEBHOOK_SECRET).update(body).digest("hex")}`,
  });
  await it.deliver("x".repeat(2 * 1024 * 1024 + 1));
  await it.ask("PUT", "/webhook", deliveryHeaders(WEBHOOK_SECRET, body), body);
  await it.ask("POST", "/elsewhere", deliveryHeaders(WEBHOOK_SECRET, body), body);
  const db = harness.runtime.db();
  await it.claimOf("1:1");
  await db.prepare("ALTER TABLE jobs RENAME TO jobs_away").run();
  await it.deliver(body);
  await it.claim("POST", await it.claimOf("1:1"));
  await db.prepare("ALTER TABLE jobs_away RENAME TO jobs").run();
}

/** Every way in which Nomad, or what stands in front of it, can say no. */
async function outages(it: Scenario, harness: Harness): Promise<void> {
  const refusals: readonly (readonly [string, Harness["nomad"]["reply"]])[] = [
    [
      "permanent",
      echoOf(500, "job not found", "authorization", "cf-access-client-id", "cf-access-client-secret"),
    ],
    ["permanent", ({ body }) => ({ status: 400, body })],
    ["denied", echoOf(403, "Permission denied", "cf-access-client-secret", "authorization")],
    [
      "access",
      () => ({ status: 302, headers: { Location: `https://team.example.test/login?token=${LOGIN_TOKEN}` } }),
    ],
    [
      "access",
      ({ headers, body }) => ({ status: 200, body: `<html>${JSON.stringify(headers)}${body}</html>` }),
    ],
    ["transient", echo(200)],
  ];
  for (const [index, [kind, reply]] of refusals.entries()) {
    harness.nomad.reply = reply;
    await it.job({ id: 10 + index });
    await it.problem(kind);
  }
  harness.nomad.reply = acceptingNomad;
  await it.passed(120);
  await it.passed(120);
  for (const [index] of refusals.entries()) await it.claimOf(`${String(10 + index)}:1`);
}

/** Every answer that there is to a claim, beside a GitHub that says everything back. */
async function claims(it: Scenario, harness: Harness, github: Harness["github"]["reply"]): Promise<void> {
  const claim = await it.claimOf("10:1");
  for (const status of [500, 403, 422, 401]) {
    harness.github.reply = (request) =>
      request.path.includes("/actions/") ? echoOfGithub(status, request) : github(request);
    await it.claim("POST", claim);
  }
  harness.github.reply = github;
  await it.claim("POST", claim);
  await it.claim("POST", claim);
  await it.claim("POST", claim, "b");
  await it.claim("POST", `${claim.split(".")[0] ?? ""}.${"A".repeat(43)}`);
  await it.claim(
    "POST",
    signClaim({ scope: "octo-org/example", class: "linux", job: 10, ordinal: 1, exp: 1 }),
  );
  const late = await it.claimOf("11:1");
  for (const id of [11, 12, 13, 14, 15, 1])
    await it.job({ id, action: "completed", conclusion: "cancelled" });
  await it.claim("POST", late);
  harness.github.reply = (request) =>
    request.method === "DELETE" ? echoOfGithub(500, request) : github(request);
  await it.claim("DELETE", claim);
  harness.github.reply = (request) =>
    request.method === "DELETE" ? echoOfGithub(422, request) : github(request);
  await it.claim("DELETE", claim);
  harness.github.reply = (request) =>
    request.path.includes("/actions/") ? echoOfGithub(500, request) : github(request);
  await it.job({ id: 30, repository: "octo-org/public-site", private: false });
  await it.passed(HOUR);
  harness.github.reply = github;
  await it.passed(HOUR);
}

function echoOfGithub(status: number, { headers, body }: Seen): Reply {
  return { status, body: { message: `${String(headers.authorization)} ${body}` } };
}

/** GitHub with Apps: it hands out installation tokens. */
function githubWithApps(): Harness["github"]["reply"] {
  const rest = acceptingGithub();
  return (request) => {
    if (request.path.endsWith("/installation")) return { status: 200, body: { id: 77 } };
    if (!request.path.endsWith("/access_tokens")) return rest(request);
    const expires_at = new Date(Date.now() + HOUR * 1000).toISOString();
    return { status: 201, body: { token: INSTALLATION_TOKEN, expires_at } };
  };
}

const CASES = RUNTIMES.flatMap((runtime) =>
  (["a personal access token", "an App"] as const).map((credential) => [runtime, credential] as const),
);

describe.each(CASES)("over a long life (%s, with %s)", (runtime, credential) => {
  const harness = useHarness(runtime);

  test("no log line, no answer and no row of the ledger holds a secret, a token, a signature, a claim or a JIT config", async () => {
    await harness().bind({ GITHUB_WEBHOOK_SECRET_PREVIOUS: PREVIOUS, ...CREDENTIALS[credential] });
    const github = githubWithApps();
    harness().github.reply = github;
    const it = new Scenario(harness());
    await deliveries(it, harness());
    await outages(it, harness());
    await claims(it, harness(), github);
    const bearer = { Authorization: `Bearer ${BINDINGS.STATUS_TOKEN}` };
    for (const path of ["/status", "/metrics", "/healthz"]) await it.ask("GET", path, bearer);
    await it.ask("GET", "/status", { Authorization: "Bearer wrong" });

    // Were one of these not reached, the rest would prove less than it says.
    const statuses = [...new Set(it.answers.map((one) => one.status))].sort((a, b) => a - b);
    expect(statuses).toEqual([200, 201, 202, 204, 400, 401, 404, 405, 409, 410, 413, 502, 503]);
    expect(it.jits.size).toBeGreaterThan(0);

    const { RUNNER_POLICY: _, PUBLIC_URL: __, NOMAD_NAMESPACE: ___, ...bound } = BINDINGS;
    const sent = [...harness().github.seen, ...harness().nomad.seen];
    const authorizations = sent.map((one) => String(one.headers.authorization).replace("Bearer ", ""));
    const payloads = harness()
      .dispatches()
      .flatMap(({ body, payload }) => [String(body["Payload"]), payload.claim]);
    const secrets = new Set([
      ...Object.values(bound),
      PREVIOUS,
      INSTALLATION_TOKEN,
      LOGIN_TOKEN,
      ...it.secrets,
    ]);
    for (const one of [...authorizations, ...payloads, ...PRIVATE_KEY.split("\n")]) secrets.add(one);
    // A claim's signature by itself is as good as the claim, since the rest can be guessed.
    for (const one of [...secrets]) if (/^[\w-]+\.[\w-]{43}$/.test(one)) secrets.add(one.split(".")[1] ?? "");
    secrets.delete("");

    const found = (text: string, more: ReadonlySet<string> = it.jits) =>
      [...secrets, ...more].filter((secret) => text.includes(secret));
    const lines = (await linesSoFar(harness())).join("");
    expect(lines.length).toBeGreaterThan(1000);
    expect(found(lines)).toEqual([]);
    for (const table of ["jobs", "runners", "problems", "marks", "ledger_version"]) {
      expect({ table, found: found(JSON.stringify(await harness().rows(`SELECT * FROM ${table}`))) }).toEqual(
        {
          table,
          found: [],
        },
      );
    }
    for (const { status, text } of it.answers) {
      // The one answer that is there to carry a JIT config.
      expect({ status, found: found(text, status === 201 ? new Set() : it.jits) }).toEqual({
        status,
        found: [],
      });
    }
  });
});
