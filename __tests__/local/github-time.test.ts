import { type GithubStandIn, startGithub } from "../../local/github/github";
import { APP_KEYS, REPOSITORY, appJwt, ask } from "./support/github-client";
import { type Receiver, startReceiver } from "./support/receiver";

const MINUTE_MS = 60_000;
const AHEAD_MS = 10 * MINUTE_MS;

describe("the GitHub stand-in's time", () => {
  let github: GithubStandIn;
  let receiver: Receiver;
  const call = (method: string, path: string, body?: unknown) => ask(github, "pat", method, path, body);
  const start = async (aheadMs: number): Promise<void> => {
    receiver = await startReceiver();
    github = await startGithub({
      tokens: [{ token: "pat", owner: "octo-org" }],
      apps: [{ appId: "1", publicKey: APP_KEYS.publicKey, accounts: ["octo-org"] }],
      settings: { clock: () => Date.now() + aheadMs },
    });
    github.addRepository({ fullName: REPOSITORY });
    github.addHook({ target: REPOSITORY, url: receiver.url, secret: "secret" });
  };
  afterEach(async () => {
    await github.close();
    await receiver.close();
  });
  const off = (time: unknown): number => Math.abs(Date.parse(String(time)) - Date.now() - AHEAD_MS);

  test("is told in Date headers, of jobs, deliveries and tokens, and JWTs are judged by it", async () => {
    await start(AHEAD_MS);
    const { id } = await github.queueJob({ repository: REPOSITORY, labels: ["x"] });
    const job = await call("GET", `/repos/${REPOSITORY}/actions/jobs/${String(id)}`);
    expect(off(job.headers.get("date"))).toBeLessThan(MINUTE_MS);
    expect(off(job.json["created_at"])).toBeLessThan(MINUTE_MS);
    expect(Math.abs((github.deliveries()[0]?.deliveredAt ?? 0) - Date.now() - AHEAD_MS)).toBeLessThan(
      MINUTE_MS,
    );
    const asApp = (aheadSeconds: number) => {
      const iat = Math.floor(Date.now() / 1_000) - 60 + aheadSeconds;
      const path = `/app/installations/${String(github.installations()[0]?.id)}/access_tokens`;
      return ask(github, appJwt({ iss: "1", iat, exp: iat + 600 }), "POST", path);
    };
    const refused = await asApp(0);
    expect(refused.status).toBe(401);
    expect(off(refused.headers.get("date"))).toBeLessThan(MINUTE_MS);
    const made = await asApp(AHEAD_MS / 1_000);
    expect(made.status).toBe(201);
    expect(Math.abs(off(made.json["expires_at"]) - 60 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
  });

  test("can have passed: jobs and deliveries are older then, and what is too old is not redelivered", async () => {
    await start(0);
    const { id } = await github.queueJob({ repository: REPOSITORY, labels: ["x"] });
    github.age(AHEAD_MS);
    const job = await call("GET", `/repos/${REPOSITORY}/actions/jobs/${String(id)}`);
    expect(Math.abs(Date.now() - AHEAD_MS - Date.parse(String(job.json["created_at"])))).toBeLessThan(
      MINUTE_MS,
    );
    const [hook] = github.inventory().hooks;
    const again = `/repos/${REPOSITORY}/hooks/${String(hook?.id)}/deliveries/${String(github.deliveries()[0]?.id)}/attempts`;
    expect((await call("POST", again)).status).toBe(202);
    github.age(4 * 24 * 60 * MINUTE_MS);
    expect((await call("POST", again)).status).toBe(422);
  });

  test("a delivery that fails reaches nobody and is listed as failed", async () => {
    await start(0);
    github.planDeliveries(() => ({ fail: true }));
    await github.queueJob({ repository: REPOSITORY, labels: ["x"] });
    expect(receiver.received).toEqual([]);
    expect(github.deliveries()).toEqual([
      expect.objectContaining({ statusCode: 502, status: "failed to connect to host", redelivery: false }),
    ]);
    const [failed] = github.deliveries();
    await github.redeliver(failed?.id ?? 0);
    expect(receiver.received).toHaveLength(1);
  });
});
