import { RUNTIMES } from "../support/harness/runtimes";
import { SCOPE } from "../support/claims";
import { useHarness } from "../support/webhook";
import {
  type HookAtGithub,
  type HookedGithub,
  REPEATING,
  begin,
  know,
  redeliveryStatus,
  repeated,
} from "./support/redelivery";

const HOUR = 3_600;

describe.each(RUNTIMES)("a hook that the credential may not see (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: HookedGithub;
  beforeEach(async () => {
    await harness().bind({ RUNNER_POLICY: REPEATING });
    github = await begin(harness());
  });

  test.each([403, 401])(
    "is told of in /status with %i: redelivery is off, asked about again after an hour",
    async (status) => {
      const hooks = Array.from({ length: 12 }, (_, index) => github.add(`octo-org/tool-${String(index)}`));
      await know(harness(), ...hooks);
      github.instead = ({ path }) =>
        path.includes("/hooks")
          ? { status, body: { message: "Resource not accessible by integration" } }
          : null;
      await harness().sweep();
      expect(harness().github.seen).toHaveLength(12);
      harness().github.seen.length = 0;
      await harness().sweep();
      expect(harness().github.seen).toEqual([]);
      const told = await redeliveryStatus(harness());
      expect(told).toMatchObject({ mode: "off", why: "no_permission", hooks: { denied: 12 } });
      expect(told.last_problem).toContain(String(status));
      github.instead = () => null;
      const failed = github.attempt(hooks[3] as HookAtGithub);
      await harness().age(HOUR + 1);
      await harness().sweep();
      expect(await redeliveryStatus(harness())).toMatchObject({ mode: "on", hooks: { ours: 12 } });
      await harness().sweep();
      expect(repeated(harness())).toEqual([failed.id]);
    },
  );

  test("at one owner does not end redelivery at another", async () => {
    await harness().bind({ RUNNER_POLICY: { ...REPEATING, repositories: ["octo-org/*", "me/*"] } });
    github = await begin(harness());
    const closed = github.add("me/tool");
    const open = github.add(SCOPE);
    await know(harness(), closed, open);
    github.instead = ({ path }) => (path.includes("/me/") ? { status: 403, body: { message: "no" } } : null);
    const failed = github.attempt(open);
    await harness().sweep();
    expect(repeated(harness())).toEqual([failed.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({ mode: "on", hooks: { ours: 1, denied: 1 } });
  });

  test("but read: what it refuses to repeat is asked for after an hour, and does not count", async () => {
    const hook = github.add(SCOPE);
    await know(harness(), hook);
    const failed = github.attempt(hook);
    github.instead = ({ method }) =>
      method === "POST" ? { status: 403, body: { message: "read only" } } : null;
    await harness().sweep();
    await harness().sweep();
    expect(repeated(harness())).toEqual([failed.id]);
    expect(await redeliveryStatus(harness())).toMatchObject({ pending: 1, asked: 0 });
    github.instead = () => null;
    await harness().age(HOUR + 1);
    await harness().sweep();
    expect(repeated(harness())).toEqual([failed.id, failed.id]);
  });
});
