import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { claimJson } from "../../contracts/claim";
import { type ClaimCall, type ClaimGateway, startClaimGateway } from "./lifecycle/claim-gateway";

const CLAIM = { scope: "octo-org/example", class: "linux", job: 7, ordinal: 2, exp: 1_800_000_000 };
const TEXT = `${Buffer.from(claimJson(CLAIM)).toString("base64url")}.${"x".repeat(43)}`;
const GRANTED = { runner_name: "a-linux-7-2", encoded_jit_config: "e30=" };

describe("the gateway between runners and the Worker", () => {
  let worker: Server;
  let heard: string[];
  let gateway: ClaimGateway;

  beforeEach(async () => {
    heard = [];
    worker = createServer((request, response) => {
      heard.push(`${String(request.method)} ${String(request.headers["x-runner-holder"])}`);
      const status = request.method === "POST" ? 201 : 204;
      response.writeHead(status).end(status === 201 ? JSON.stringify(GRANTED) : undefined);
    });
    await new Promise<void>((resolve) => worker.listen(0, "127.0.0.1", resolve));
    gateway = await startClaimGateway();
    gateway.lead(`http://127.0.0.1:${String((worker.address() as AddressInfo).port)}`);
  });
  afterEach(async () => {
    await gateway.close();
    await new Promise((resolve) => worker.close(resolve));
  });

  const show = (method: string, claim = TEXT): Promise<Response> =>
    fetch(`${gateway.url}/runners/claim`, {
      method,
      headers: { Authorization: `Bearer ${claim}`, "X-Runner-Holder": "allocation-1" },
      signal: AbortSignal.timeout(5_000),
    });

  it("hands on claim, holder and answer", async () => {
    const answer = await show("POST");
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual(GRANTED);
    expect((await show("DELETE")).status).toBe(204);
    expect(heard).toEqual(["POST allocation-1", "DELETE allocation-1"]);
  });

  it("tells who shows which claim, and what was granted", async () => {
    const calls: unknown[] = [];
    gateway.intercept({
      arrived: (call: ClaimCall) => Promise.resolve(calls.push(call) > 0),
      answered: (_call, status, granted) => Promise.resolve(calls.push([status, granted]) > 0),
    });
    await show("POST");
    expect(calls).toEqual([
      { method: "POST", holder: "allocation-1", claim: TEXT, job: 7, ordinal: 2 },
      [201, GRANTED],
    ]);
  });

  it("loses a claim before the Worker hears of it, or its answer", async () => {
    const lose = (which: "arrived" | "answered"): void => {
      const passes = (name: string) => () => Promise.resolve(name !== which);
      gateway.intercept({ arrived: passes("arrived"), answered: passes("answered") });
    };
    lose("arrived");
    await expect(show("POST")).rejects.toThrow();
    expect(heard).toEqual([]);
    lose("answered");
    await expect(show("POST")).rejects.toThrow();
    expect(heard).toEqual(["POST allocation-1"]);
  });

  it("answers 502 to a claim given back that it loses, so that nobody asks for long", async () => {
    const closed = (): Promise<boolean> => Promise.resolve(false);
    gateway.intercept({ arrived: closed, answered: closed });
    expect((await show("DELETE")).status).toBe(502);
    expect(heard).toEqual([]);
  });

  it("hands on nothing that is no claim", async () => {
    await expect(show("POST", "no-claim")).rejects.toThrow();
    expect(heard).toEqual([]);
  });
});
