import { workflowJob } from "../support/harness/deliveries";
import { RUNTIMES } from "../support/harness/runtimes";
import { SCOPE } from "../support/claims";
import { postSigned, useHarness } from "../support/webhook";
import { until } from "./support/dispatching";
import {
  type HookAtGithub,
  type HookedGithub,
  REPEATING,
  begin,
  know,
  letChoresBeDue,
  repeated,
  visited,
} from "./support/redelivery";

const DAY = 86_400;

describe.each(RUNTIMES)("a hook (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: HookedGithub;
  beforeEach(async () => {
    await harness().bind({ RUNNER_POLICY: REPEATING });
    github = await begin(harness());
  });

  const states = async (): Promise<unknown> => {
    const rows = await harness().rows("SELECT id, state FROM hooks ORDER BY id");
    return Object.fromEntries(rows.map(({ id, state }) => [String(id), state]));
  };
  const asked = (path: RegExp) => harness().github.seen.filter((one) => path.test(one.path)).length;
  const headersOf = ({ id, target }: HookAtGithub) => ({
    "X-GitHub-Hook-ID": String(id),
    "X-GitHub-Hook-Installation-Target-Type": target.includes("/") ? "repository" : "organization",
  });
  const ping = (target: string) => JSON.stringify({ zen: "Keep it.", repository: { full_name: target } });
  const noted = async (hook: HookAtGithub) =>
    until(`hook ${String(hook.id)} is noted`, async () => Object.hasOwn((await states()) as object, hook.id));

  describe("that a delivery came by", () => {
    test("is noted, looked at once, and its failed deliveries are asked for", async () => {
      const hook = github.add(SCOPE);
      const failed = github.attempt(hook);
      expect((await postSigned(harness(), workflowJob({}), headersOf(hook))).status).toBe(202);
      await noted(hook);
      expect(await states()).toEqual({ [hook.id]: "new" });
      for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
      expect(await states()).toEqual({ [hook.id]: "ours" });
      expect(repeated(harness())).toEqual([failed.id]);
      expect(asked(/\/hooks\/\d+$/)).toBe(1);
      expect(visited(harness())).toEqual([hook.id, hook.id, hook.id]);
    });

    test("is noted by a ping, too, and by a delivery that is ignored", async () => {
      const pinged = github.add("octo-org/pinged");
      const ignored = github.add("octo-org/ignored");
      const event = { "X-GitHub-Event": "ping" };
      expect(
        (await postSigned(harness(), ping(pinged.target), { ...headersOf(pinged), ...event })).status,
      ).toBe(200);
      const waits = workflowJob({ action: "waiting", repository: ignored.target });
      expect((await postSigned(harness(), waits, headersOf(ignored))).status).toBe(200);
      await noted(pinged);
      await noted(ignored);
    });

    test("of an organization is looked at there", async () => {
      const hook = github.add("octo-org");
      const failed = github.attempt(hook);
      await postSigned(harness(), workflowJob({ organization: "octo-org" }), headersOf(hook));
      await noted(hook);
      await harness().sweep();
      expect(repeated(harness())).toEqual([failed.id]);
      expect(asked(/^\/orgs\/octo-org\/hooks\/\d+$/)).toBe(1);
    });

    test("costs the ledger a statement with its first delivery only", async () => {
      const hook = github.add(SCOPE);
      await postSigned(harness(), workflowJob({}), headersOf(hook));
      await noted(hook);
      await harness().rows("DELETE FROM hooks");
      await postSigned(harness(), workflowJob({ id: 2 }), headersOf(hook));
      await harness().sweep();
      expect(await states()).toEqual({});
    });

    test.each([
      ["a wrong signature", { "X-Hub-Signature-256": `sha256=${"0".repeat(64)}` }, SCOPE],
      ["a repository that the policy does not name", {}, "somebody/else"],
      ["an id that is none", { "X-GitHub-Hook-ID": "7 OR 1=1" }, SCOPE],
      ["an id of nothing", { "X-GitHub-Hook-ID": "0" }, SCOPE],
      ["no id", { "X-GitHub-Hook-ID": null }, SCOPE],
      ["a hook of an App", { "X-GitHub-Hook-Installation-Target-Type": "integration" }, SCOPE],
      ["no type", { "X-GitHub-Hook-Installation-Target-Type": null }, SCOPE],
      [
        "an organization that the body does not name",
        { "X-GitHub-Hook-Installation-Target-Type": "organization" },
        SCOPE,
      ],
    ])("is not noted with %s", async (_, changes, target) => {
      const hook = github.add(target);
      await postSigned(harness(), workflowJob({ repository: target }), { ...headersOf(hook), ...changes });
      // One that is noted comes after it.
      const last = github.add("octo-org/last");
      await postSigned(harness(), workflowJob({ repository: last.target }), headersOf(last));
      await noted(last);
      expect(await states()).toEqual({ [last.id]: "new" });
    });
  });

  test("is one of 20 at most that deliveries may tell of at one target: their ids are not signed", async () => {
    for (let id = 1; id <= 25; id++) {
      await postSigned(harness(), ping(SCOPE), {
        "X-GitHub-Event": "ping",
        ...headersOf({ ...github.add(SCOPE), id: 900_000 + id }),
      });
    }
    const last = github.add("octo-org/last");
    await postSigned(harness(), workflowJob({ repository: last.target }), headersOf(last));
    await noted(last);
    expect(Object.keys((await states()) as object)).toHaveLength(21);
  });

  describe("that is not this stack's", () => {
    test.each([
      ["delivers elsewhere", { url: "https://elsewhere.example/webhook" }],
      ["delivers to another path of this Worker", { url: "https://hooks.example.test/webhook/" }],
      ["carries no workflow jobs", { events: ["push", "pull_request"] }],
      ["is switched off", { active: false }],
    ])("since it %s, is remembered as foreign and never asked for anything", async (_, changes) => {
      const hook = github.add(SCOPE, changes);
      github.attempt(hook);
      await postSigned(harness(), workflowJob({}), headersOf(hook));
      await noted(hook);
      for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
      expect(await states()).toEqual({ [hook.id]: "foreign" });
      expect(asked(/\/hooks\//)).toBe(1);
      expect(visited(harness())).toEqual([]);
    });

    test("but was, as its address changed, is let go within a day", async () => {
      const hook = github.add(SCOPE);
      await know(harness(), hook);
      await harness().sweep();
      hook.url = "https://elsewhere.example/webhook";
      github.attempt(hook);
      await harness().age(DAY + 1);
      await harness().sweep();
      expect(await states()).toEqual({ [hook.id]: "foreign" });
      expect(repeated(harness())).toEqual([]);
    });

    test("is left to its stack where two serve one repository", async () => {
      await harness().bind({ RUNNER_POLICY: { ...REPEATING, repositories: [SCOPE] } });
      github = await begin(harness());
      const other = github.add(SCOPE, { url: "https://other.example.test/webhook" });
      const own = github.add(SCOPE);
      github.attempt(other);
      const failed = github.attempt(own);
      for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
      expect(repeated(harness())).toEqual([failed.id]);
      expect(new Set(visited(harness()))).toEqual(new Set([own.id]));
    });

    test("for the policy named its repository once, is not asked for anything", async () => {
      const hook = github.add("somebody/else");
      await know(harness(), hook);
      await harness().sweep();
      expect(asked(/./)).toBe(0);
      expect(await states()).toEqual({ [hook.id]: "foreign" });
    });
  });

  describe("whose every delivery failed", () => {
    test("is found where the policy names its repository, and looked for once a day", async () => {
      await harness().bind({
        RUNNER_POLICY: { ...REPEATING, repositories: ["octo-org/*", "octo-org/tool"] },
      });
      github = await begin(harness());
      const hook = github.add("octo-org/tool");
      const failed = github.attempt(hook);
      for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
      expect(repeated(harness())).toEqual([failed.id]);
      expect(asked(/\/hooks\?/)).toBe(1);
      await harness().age(DAY);
      await harness().sweep();
      await harness().sweep();
      expect(asked(/\/hooks\?/)).toBe(2);
    });

    test("is found at the organization that the policy names", async () => {
      await harness().bind({
        RUNNER_POLICY: { ...REPEATING, scope: "organization", repositories: ["octo-org/*"] },
      });
      github = await begin(harness());
      const failed = github.attempt(github.add("octo-org"));
      for (let sweeps = 0; sweeps < 3; sweeps++) await harness().sweep();
      expect(repeated(harness())).toEqual([failed.id]);
    });

    test("is found at a repository that the ledger knows as a scope", async () => {
      await harness().deliver(workflowJob({ id: 5, repository: SCOPE }));
      const failed = github.attempt(github.add(SCOPE));
      for (let sweeps = 0; sweeps < 3; sweeps++) {
        await letChoresBeDue(harness());
        await harness().sweep();
      }
      expect(repeated(harness())).toEqual([failed.id]);
    });
  });

  describe("that is gone", () => {
    test("is not visited again, and forgotten after a day", async () => {
      const hook = github.add(SCOPE);
      await know(harness(), hook);
      github.hooks.length = 0;
      await harness().sweep();
      // One answer is none: it is asked for once more.
      expect(await states()).toEqual({ [hook.id]: "new" });
      await harness().age(10 * 60 + 1);
      await harness().sweep();
      expect(await states()).toEqual({ [hook.id]: "gone" });
      await harness().sweep();
      expect(visited(harness())).toEqual([hook.id]);
      await harness().age(DAY + 1);
      await letChoresBeDue(harness());
      await harness().sweep();
      expect(await states()).toEqual({});
    });

    test("for one answer only, stays", async () => {
      const hook = github.add(SCOPE);
      await know(harness(), hook);
      github.instead = () => ({ status: 404, body: { message: "Not Found" } });
      await harness().sweep();
      github.instead = () => null;
      const failed = github.attempt(hook);
      await harness().age(10 * 60 + 1);
      await harness().sweep();
      expect(await states()).toEqual({ [hook.id]: "ours" });
      expect(repeated(harness())).toEqual([failed.id]);
    });

    test("as its repository was renamed, is found by its next delivery", async () => {
      const hook = github.add("octo-org/old");
      await know(harness(), hook);
      github.instead = ({ path }) =>
        path.includes("/octo-org/old/") ? { status: 301, headers: { location: "/repositories/1" } } : null;
      await harness().sweep();
      await harness().age(10 * 60 + 1);
      await harness().sweep();
      expect(await states()).toEqual({ [hook.id]: "gone" });
      hook.target = "octo-org/new";
      await postSigned(harness(), workflowJob({ repository: "octo-org/new" }), headersOf(hook));
      const failed = github.attempt(hook);
      await until("it is there again", async () => {
        await harness().sweep();
        return repeated(harness()).length > 0;
      });
      expect(repeated(harness())).toEqual([failed.id]);
    });
  });
});
