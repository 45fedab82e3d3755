import { type CloudflareStandIn, startCloudflare } from "../../local/cloudflare/cloudflare";
import { type LoopbackServer, serve } from "../../local/http/serve";
import { watchLeftovers } from "../support/leftovers";
import { call, upload, visit } from "./support/cloudflare-client";
import { holdConnector } from "./support/cloudflare-connection";
import { DISPATCH_PATH, type Gateway, NOMAD_HOST, makeGateway } from "./support/cloudflare-gateway";
import { expectNothingLeft } from "./support/nothing-left";

const leftovers = watchLeftovers();
let cloudflare: CloudflareStandIn;
let origin: LoopbackServer;
/** What the origin saw last. */
let seen: { path: string; host: string; assertion: string | null; body: string } | null = null;
const ends: (() => void)[] = [];

beforeAll(async () => {
  origin = await serve(async (request, { incoming }) => {
    const url = new URL(request.url);
    const assertion = request.headers.get("cf-access-jwt-assertion");
    seen = {
      path: url.pathname + url.search,
      host: incoming.headers.host ?? "",
      assertion,
      body: await request.text(),
    };
    return new Response("dispatched", { status: 200, headers: { "x-origin": "nomad" } });
  });
});
beforeEach(async () => {
  seen = null;
  cloudflare = await startCloudflare();
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await cloudflare.close();
});
afterAll(async () => {
  await origin.close();
  await expectNothingLeft(leftovers);
});

/** A gateway with a connector that is up. */
async function connected(options: Parameters<typeof makeGateway>[2] = {}): Promise<Gateway> {
  const gateway = await makeGateway(cloudflare, origin.url, options);
  ends.push(await holdConnector(cloudflare.edgeUrl, gateway.tunnelToken));
  return gateway;
}

const dispatch = (headers: Readonly<Record<string, string>>) =>
  visit(cloudflare, NOMAD_HOST, DISPATCH_PATH, { method: "POST", headers, body: "payload" });

describe("the edge", () => {
  test.each([
    ["a hostname without a record", "none.example.com", 530, "error code: 1016"],
    ["a hostname of nobody's zone", "example.net", 409, "error code: 1001"],
  ])("answers %s as Cloudflare does", async (_what, hostname, status, text) => {
    expect(await visit(cloudflare, hostname, "/")).toMatchObject({ status, text });
  });

  test("sends a request with the service token through the tunnel, with Access's assertion and its own host", async () => {
    const gateway = await connected();
    const answer = await visit(cloudflare, NOMAD_HOST, `${DISPATCH_PATH}?namespace=ci`, {
      method: "POST",
      headers: { ...gateway.headers, "cf-access-jwt-assertion": "forged" },
      body: "payload",
    });
    expect(answer).toMatchObject({ status: 200, text: "dispatched", headers: { "x-origin": "nomad" } });
    expect(seen).toMatchObject({ path: `${DISPATCH_PATH}?namespace=ci`, host: NOMAD_HOST, body: "payload" });
    const claims = JSON.parse(
      Buffer.from((seen?.assertion ?? "").split(".")[1] ?? "", "base64url").toString(),
    ) as unknown;
    expect(claims).toMatchObject({
      aud: [gateway.aud],
      common_name: gateway.clientId,
      iss: "https://stand-in.cloudflareaccess.com",
      type: "app",
      sub: "",
    });
    expect(cloudflare.events.all()).toContainEqual(
      expect.objectContaining({ type: "access", outcome: "accepted", tokenId: gateway.serviceTokenId }),
    );
  });

  test("answers 1033 while no connector is up, after Access", async () => {
    const gateway = await makeGateway(cloudflare, origin.url);
    expect(await dispatch(gateway.headers)).toMatchObject({ status: 530, text: "error code: 1033" });
    expect(await dispatch({})).toMatchObject({ status: 403 });
  });

  test.each([
    ["another path", "/v1/job/other/dispatch"],
    ["a longer path", `${DISPATCH_PATH}/x`],
    ["the rest of Nomad's API", "/v1/jobs"],
  ])("the ingress answers 404 for %s, without asking the origin", async (_what, path) => {
    const gateway = await connected();
    expect(await visit(cloudflare, NOMAD_HOST, path, { headers: gateway.headers })).toMatchObject({
      status: 404,
    });
    expect(seen).toBeNull();
  });

  test("an origin that is down is 502 in HTML, and one beyond this machine is refused by name", async () => {
    const gateway = await makeGateway(cloudflare, "http://127.0.0.1:1");
    ends.push(await holdConnector(cloudflare.edgeUrl, gateway.tunnelToken));
    const down = await dispatch(gateway.headers);
    expect(down).toMatchObject({ status: 502, headers: { "content-type": "text/html; charset=UTF-8" } });
    await call(cloudflare, "PUT", `A/cfd_tunnel/${gateway.tunnelId}/configurations`, {
      config: { ingress: [{ service: "http://nomad.service.consul:4646" }] },
    });
    expect(await dispatch(gateway.headers)).toMatchObject({ status: 502 });
    expect(cloudflare.workerLogs().join("\n")).toContain(
      "http://nomad.service.consul:4646 is not on this machine",
    );
  });
});

describe("Access", () => {
  test.each([
    ["no token", {}],
    ["an unknown client", { "cf-access-client-id": "x.access", "cf-access-client-secret": "y" }],
  ])("refuses %s with 403 in HTML, where only services may come", async (_what, headers) => {
    await connected();
    const refused = await dispatch(headers);
    expect(refused).toMatchObject({ status: 403, headers: { "content-type": "text/html; charset=utf-8" } });
    expect(seen).toBeNull();
  });

  test("refuses another secret, and a token of no policy", async () => {
    const gateway = await connected();
    expect(await dispatch({ ...gateway.headers, "cf-access-client-secret": "x" })).toMatchObject({
      status: 403,
    });
    const { result } = await call(cloudflare, "POST", "A/access/service_tokens", { name: "other" });
    const [id, secret] = [String(result["client_id"]), String(result["client_secret"])];
    expect(await dispatch({ "cf-access-client-id": id, "cf-access-client-secret": secret })).toMatchObject({
      status: 403,
    });
    expect(seen).toBeNull();
  });

  test("sends everybody to the login under an Allow policy, service tokens too", async () => {
    const gateway = await connected({ decision: "allow" });
    for (const headers of [{}, gateway.headers]) {
      const sent = await dispatch(headers);
      expect(sent.status).toBe(302);
      expect(sent.headers["location"]).toContain(
        "https://stand-in.cloudflareaccess.com/cdn-cgi/access/login/",
      );
    }
  });

  test("answers 401 where the application says so", async () => {
    await connected({ application: { service_auth_401_redirect: true } });
    expect(await dispatch({})).toMatchObject({ status: 401 });
  });

  test("takes the token from one header where the application names it", async () => {
    const gateway = await connected({ application: { read_service_tokens_from_header: "Authorization" } });
    expect(await dispatch({ authorization: JSON.stringify(gateway.headers) })).toMatchObject({ status: 200 });
    expect(await dispatch({ authorization: "{" })).toMatchObject({ status: 403 });
  });

  test("accepts the secret before the rotation until its end, and the new one", async () => {
    const gateway = await connected();
    const rotate = async (version: number, endsAt: number): Promise<string> => {
      const { result } = await call(cloudflare, "PUT", `A/access/service_tokens/${gateway.serviceTokenId}`, {
        name: "worker",
        client_secret_version: version,
        previous_client_secret_expires_at: new Date(endsAt).toISOString(),
      });
      return String(result["client_secret"]);
    };
    const second = await rotate(2, Date.now() + 60_000);
    expect(await dispatch(gateway.headers)).toMatchObject({ status: 200 });
    expect(await dispatch({ ...gateway.headers, "cf-access-client-secret": second })).toMatchObject({
      status: 200,
    });
    const third = await rotate(3, Date.now() - 1);
    expect(await dispatch({ ...gateway.headers, "cf-access-client-secret": second })).toMatchObject({
      status: 403,
    });
    expect(await dispatch({ ...gateway.headers, "cf-access-client-secret": third })).toMatchObject({
      status: 200,
    });
  });

  test("refuses a token after its end, and one that was deleted", async () => {
    const gateway = await connected();
    const own = `A/access/service_tokens/${gateway.serviceTokenId}`;
    await call(cloudflare, "PUT", own, { name: "worker", duration: "1ms" });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await dispatch(gateway.headers)).toMatchObject({ status: 403 });
    await call(cloudflare, "PUT", own, { name: "worker", duration: "24h" });
    expect(await dispatch(gateway.headers)).toMatchObject({ status: 200 });
    await call(cloudflare, "DELETE", own);
    expect(await dispatch(gateway.headers)).toMatchObject({ status: 403 });
  });

  test("gone, it leaves the tunnel's own check: nobody passes without its assertion", async () => {
    const gateway = await connected();
    await call(cloudflare, "DELETE", `A/access/apps/${gateway.applicationId}`);
    expect(await dispatch(gateway.headers)).toMatchObject({ status: 403, text: "" });
    expect(await dispatch({ ...gateway.headers, "cf-access-jwt-assertion": "a.b.c" })).toMatchObject({
      status: 403,
    });
    expect(seen).toBeNull();
  });

  test("an assertion for another audience is 403 at the tunnel, one of another team 502", async () => {
    const other = await connected({ aud: "other" });
    expect(await dispatch(other.headers)).toMatchObject({ status: 403 });
    await cloudflare.close();
    cloudflare = await startCloudflare();
    const team = await connected({ teamName: "another" });
    expect(await dispatch(team.headers)).toMatchObject({ status: 502 });
    expect(seen).toBeNull();
  });
});

describe("a Worker that calls the gateway of its own zone", () => {
  const SCRIPT = `export default { async fetch(request, env) {
    const headers = { "cf-access-client-id": env.ID, "cf-access-client-secret": env.SECRET };
    const answer = await fetch(env.TARGET, { method: "POST", headers, body: "payload", redirect: "manual" });
    return new Response(answer.status + " " + await answer.text());
  } };`;
  const through = async (gateway: Gateway, flags: readonly string[]): Promise<string> => {
    const uploaded = await upload(cloudflare, {
      content: SCRIPT,
      metadata: {
        compatibility_flags: flags,
        bindings: [
          { name: "ID", type: "secret_text", text: gateway.clientId },
          { name: "SECRET", type: "secret_text", text: gateway.clientSecret },
          { name: "TARGET", type: "plain_text", text: `https://${NOMAD_HOST}${DISPATCH_PATH}` },
        ],
      },
    });
    expect(uploaded.status).toBe(200);
    const domain = { hostname: "hooks.example.com", service: "hooks", zone_id: cloudflare.zone.id };
    await call(cloudflare, "PUT", "A/workers/domains", domain);
    return (await visit(cloudflare, "hooks.example.com", "/")).text;
  };

  test("passes Access with global_fetch_strictly_public, and is refused by the tunnel without it", async () => {
    const gateway = await connected();
    expect(await through(gateway, ["global_fetch_strictly_public"])).toBe("200 dispatched");
    expect(seen).toMatchObject({ path: DISPATCH_PATH, body: "payload" });
    seen = null;
    expect(await through(gateway, [])).toBe("403 ");
    expect(seen).toBeNull();
  });
});
