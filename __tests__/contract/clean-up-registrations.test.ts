import { STACK, asked } from "../support/claims";
import { RUNTIMES } from "../support/harness/runtimes";
import { useHarness } from "../support/webhook";
import {
  type PagedGithub,
  atWork,
  begin,
  cleaning,
  deletions,
  leftBehind,
  pages,
  pass,
  passNow,
  strays,
  twoPasses,
} from "./support/clean-up";

const UNHEARD = `${STACK}-linux-99-1`;

describe.each(RUNTIMES)("a registration without a live runner (%s)", (runtime) => {
  const harness = useHarness(runtime);
  let github: PagedGithub;
  const names = () => github.runners.map((one) => one.name);
  beforeAll(async () => {
    await harness().bind({ RUNNER_POLICY: cleaning("delete") });
  });
  beforeEach(async () => {
    github = await begin(harness());
  });

  test("is deleted after two sightings and ten minutes, once it was looked up again", async () => {
    const { id, name } = await leftBehind(harness(), github, 1);
    await pass(harness());
    expect(await strays(harness())).toEqual([{ name, side: "github", sightings: 1 }]);
    await pass(harness());
    expect(await strays(harness())).toEqual([{ name, side: "github", sightings: 2 }]);
    expect(deletions(harness())).toEqual([]);
    harness().github.seen.length = 0;
    await harness().sweep();
    expect(asked(harness())).toEqual([
      `GET /repos/octo-org/example/actions/runners?name=${name}&per_page=100`,
      `DELETE /repos/octo-org/example/actions/runners/${String(id)}`,
    ]);
    expect(names()).toEqual([]);
    expect(await strays(harness())).toEqual([]);
  });

  test("is left alone after one sighting, however old that is", async () => {
    await leftBehind(harness(), github, 1);
    await pass(harness());
    await harness().runtime.db().prepare("UPDATE scopes SET next_at = 9e15").run();
    await pass(harness(), 3600);
    await harness().sweep();
    expect(await harness().rows("SELECT sightings FROM strays")).toEqual([{ sightings: 1 }]);
    expect(names()).toHaveLength(1);
  });

  test("is left alone within ten minutes of the first sighting, however often it is sighted", async () => {
    await leftBehind(harness(), github, 1);
    await pass(harness());
    await harness().age(330);
    await passNow(harness());
    await harness().sweep();
    expect(await harness().rows("SELECT sightings FROM strays")).toEqual([{ sightings: 2 }]);
    expect(names()).toHaveLength(1);
    await pass(harness(), 300);
    expect(names()).toEqual([]);
  });

  test("counts as sighted once by passes that begin together", async () => {
    await leftBehind(harness(), github, 1);
    await pass(harness());
    await passNow(harness());
    await passNow(harness());
    expect(await harness().rows("SELECT sightings FROM strays")).toEqual([{ sightings: 1 }]);
  });

  test("is sighted no sooner than a minute after its runner's end: GitHub takes most away by itself", async () => {
    await leftBehind(harness(), github, 1);
    await passNow(harness());
    expect(pages(harness())).toEqual([1]);
    expect(await strays(harness())).toEqual([]);
    await harness().age(61);
    await passNow(harness());
    expect(await strays(harness())).toHaveLength(1);
  });

  test("is deleted when the ledger never heard of it, and when it is online", async () => {
    await leftBehind(harness(), github, 1);
    Object.assign(github.runners[0] ?? {}, { status: "online" });
    github.add(UNHEARD, { status: "online" });
    await twoPasses(harness());
    expect(names()).toEqual([]);
  });

  test("stays, and is no stray, where it is somebody else's or another stack's", async () => {
    await leftBehind(harness(), github, 1);
    const others = ["my-own-runner", "000000-linux-1-1", `${STACK}0-linux-1-1`, STACK, `x${UNHEARD}`];
    for (const name of others) github.add(name);
    await twoPasses(harness());
    expect(names()).toEqual(others);
    expect(await strays(harness())).toEqual([]);
    expect(deletions(harness())).toHaveLength(1);
  });

  test("stays while it is at work, and is no stray then", async () => {
    await leftBehind(harness(), github, 1);
    Object.assign(github.runners[0] ?? {}, { status: "online", busy: true });
    await twoPasses(harness());
    expect(await strays(harness())).toEqual([]);
    expect(deletions(harness())).toEqual([]);
  });

  test("stays when the last look finds it at work, and begins anew", async () => {
    await leftBehind(harness(), github, 1);
    await pass(harness());
    await pass(harness());
    Object.assign(github.runners[0] ?? {}, { busy: true });
    await harness().sweep();
    expect(deletions(harness())).toEqual([]);
    expect(await strays(harness())).toEqual([]);
    expect(names()).toHaveLength(1);
  });

  test("stays when GitHub refuses its deletion since it has just begun to work, and that is no problem", async () => {
    await leftBehind(harness(), github, 1);
    github.instead = ({ method }) =>
      method === "DELETE" ? { status: 422, body: { message: "Runner is currently running a job" } } : null;
    await twoPasses(harness());
    expect(deletions(harness())).toHaveLength(1);
    expect(names()).toHaveLength(1);
    expect(await strays(harness())).toEqual([]);
    expect(await harness().rows("SELECT kind FROM problems")).toEqual([]);
  });

  test("stays when its runner has come to life between the sightings and the last look", async () => {
    const { name } = await leftBehind(harness(), github, 1);
    await pass(harness());
    await pass(harness());
    const db = harness().runtime.db();
    await db
      .prepare(
        `UPDATE runners SET live = 1, state = 'busy', ended_at = NULL, until = 9e15 WHERE name = '${name}'`,
      )
      .run();
    await harness().sweep();
    expect(deletions(harness())).toEqual([]);
    await pass(harness());
    expect(await strays(harness())).toEqual([]);
    expect(names()).toEqual([name]);
  });

  test("is another one under another id: the sightings of the first do not count for it", async () => {
    const { id, name } = await leftBehind(harness(), github, 1);
    await pass(harness());
    github.remove(id);
    github.add(name);
    await pass(harness());
    expect(await strays(harness())).toEqual([{ name, side: "github", sightings: 1 }]);
    await pass(harness());
    github.remove(id + 1);
    github.add(name);
    await harness().sweep();
    expect(deletions(harness())).toEqual([]);
    expect(names()).toEqual([name]);
  });

  test("is forgotten when GitHub has taken it away, after a whole pass or by the last look", async () => {
    const first = await leftBehind(harness(), github, 1);
    const second = await leftBehind(harness(), github, 2);
    await pass(harness());
    github.remove(first.id);
    await pass(harness());
    expect(await strays(harness())).toEqual([{ name: second.name, side: "github", sightings: 2 }]);
    github.remove(second.id);
    await harness().sweep();
    expect(await strays(harness())).toEqual([]);
    expect(await harness().rows("SELECT value FROM marks WHERE name = 'cleaned_up'")).toEqual([]);
    expect(deletions(harness())).toEqual([]);
  });

  test("begins anew when nobody looked for a day", async () => {
    await leftBehind(harness(), github, 1);
    await pass(harness());
    await pass(harness(), 25 * 3600);
    expect(await harness().rows("SELECT sightings FROM strays")).toEqual([{ sightings: 1 }]);
  });

  test("with its runner alive is none, however often it is compared", async () => {
    const { name } = await atWork(harness(), github, 1);
    await harness().sweep();
    await twoPasses(harness());
    expect(pages(harness())).toEqual([1, 1]);
    expect(await strays(harness())).toEqual([]);
    expect(names()).toEqual([name]);
  });
});
