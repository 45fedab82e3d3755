import { RUNTIMES } from "../support/harness/runtimes";
import { claimOf, finish, granted, start, tokens } from "../support/claims";
import { useHarness } from "../support/webhook";
import {
  type ListingGithub,
  REPO,
  RECOVERING,
  active,
  begin,
  listings,
  recoveryStatus,
  states,
  visit,
} from "./support/recovery";

describe.each(RUNTIMES)("a queued job of which no delivery ever told (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: ListingGithub;
  beforeAll(async () => harness().bind({ RUNNER_POLICY: RECOVERING }));
  beforeEach(async () => {
    github = await begin(harness());
    await active(harness(), REPO);
  });

  test("is found at its repository and gets one runner, as if it had been told of", async () => {
    github.runs.push({ id: 501, jobs: [{ id: 1001 }] });
    await visit(harness(), 3);
    expect(tokens(harness())).toEqual(["1001:1"]);
    expect(listings(harness())).toEqual([
      `/repos/${REPO}/actions/runs?status=queued&page=1`,
      `/repos/${REPO}/actions/runs/501/jobs?page=1`,
      `/repos/${REPO}/actions/runs?status=in_progress&page=1`,
      `/repos/${REPO}/actions/runs?status=waiting&page=1`,
    ]);
    expect(await recoveryStatus(harness())).toMatchObject({
      mode: "on",
      repositories: 1,
      found: { jobs: 1 },
    });
    const runner = await granted(harness(), claimOf(harness(), "1001:1"));
    await start(harness(), 1001, runner);
    await finish(harness(), 1001, runner);
    expect(await states(harness())).toEqual(["1001 completed"]);
  });
});
