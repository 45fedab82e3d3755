import { type AccessSpec, type NomadStandIn, startNomad } from "../../local/nomad/nomad";
import { NOMAD_OUTAGES } from "../../local/nomad/outages";

const ACCESS = { clientId: "abc.access", clientSecret: "s3cret" };
const HEADERS = { "CF-Access-Client-Id": ACCESS.clientId, "CF-Access-Client-Secret": ACCESS.clientSecret };

describe("what stands before the Nomad stand-in", () => {
  let nomad: NomadStandIn;
  const start = async (access?: AccessSpec): Promise<void> => {
    const rules = { payload: "optional", metaRequired: [], metaOptional: [] } as const;
    nomad = await startNomad({
      jobs: [{ id: "job", parameterized: rules, stopped: false, tasks: [] }],
      tokens: [{ secret: "t", capabilities: ["dispatch-job"] }],
      ...(access === undefined ? {} : { access }),
    });
  };
  const dispatch = (headers: Record<string, string> = {}) =>
    fetch(`${nomad.url}/v1/job/job/dispatch?idempotency_token=1`, {
      method: "POST",
      headers: { Authorization: "Bearer t", ...headers },
      body: "{}",
      redirect: "manual",
      signal: AbortSignal.timeout(5_000),
    });
  afterEach(() => nomad.close());

  test("Access lets the service token through", async () => {
    await start(ACCESS);
    expect((await dispatch(HEADERS)).status).toBe(200);
  });

  test.each([
    ["no service token", {}],
    ["half of one", { "CF-Access-Client-Id": ACCESS.clientId }],
    ["a wrong secret", { ...HEADERS, "CF-Access-Client-Secret": "other" }],
  ])("Access refuses %s with an HTML page, and Nomad sees nothing", async (_what, headers) => {
    await start(ACCESS);
    const answer = await dispatch(headers);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([403, "text/html; charset=UTF-8"]);
    expect(nomad.children()).toEqual([]);
  });

  test("Access redirects to its login where people may log in", async () => {
    await start({ ...ACCESS, refusal: "redirect" });
    const answer = await dispatch();
    expect(answer.status).toBe(302);
    expect(answer.headers.get("location")).toContain("cloudflareaccess.com/cdn-cgi/access/login/");
  });

  test.each([
    ["noLeader", 500, "No cluster leader"],
    ["throttled", 429, "too many concurrent connections"],
    ["tunnelDown", 530, "error code: 1033"],
    ["originDown", 502, "Bad gateway"],
    ["accessForbidden", 403, "<!DOCTYPE html>"],
    ["accessRedirect", 302, "<!DOCTYPE html>"],
  ] as const)("%s answers %i once, and the next request is dispatched", async (name, status, text) => {
    await start();
    nomad.faults.add({ fault: NOMAD_OUTAGES[name] });
    const answer = await dispatch();
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(text);
    expect(nomad.children()).toEqual([]);
    expect((await dispatch()).status).toBe(200);
  });

  test("a lost answer is a dispatch all the same, and the retry is told the same child", async () => {
    await start();
    nomad.faults.add({ fault: NOMAD_OUTAGES.lostAnswer });
    await expect(dispatch()).rejects.toThrow();
    const [child] = nomad.children();
    const again = (await (await dispatch()).json()) as Record<string, unknown>;
    expect(again).toMatchObject({ DispatchedJobID: child?.id, EvalID: "" });
    expect(nomad.children()).toHaveLength(1);
  });
});
