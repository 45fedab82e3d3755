import { RUNNER, TOKEN, clientOf } from "./support/github";
import { json } from "./support/fetches";

const REPO = "octo-org/example";
const SEEN = { id: RUNNER.id, name: RUNNER.name, status: RUNNER.status, busy: RUNNER.busy };

function runners(count: number): unknown[] {
  return Array.from({ length: count }, (_, index) => ({ ...RUNNER, id: index + 1 }));
}

describe("a page of runners", () => {
  const listed = async (body: unknown, page = 1, scope = REPO) => {
    const { github, sent } = clientOf(() => json(200, body));
    return { answer: await github.listRunners(scope, page), sent };
  };

  test.each([
    [REPO, "/repos/octo-org/example/actions/runners?per_page=100&page=3"],
    ["octo-org", "/orgs/octo-org/actions/runners?per_page=100&page=3"],
  ])("of %s is asked for by its number, a hundred at a time", async (scope, path) => {
    const { sent } = await listed({ total_count: 201, runners: [RUNNER] }, 3, scope);
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET https://api.github.example/v3${path}`,
    ]);
    expect(sent[0]?.headers.get("Authorization")).toBe(`Bearer ${TOKEN}`);
  });

  test("tells name, id and whether it works of each, and nothing else", async () => {
    const { answer } = await listed({ total_count: 1, runners: [RUNNER] });
    expect(answer).toEqual({ ok: true, value: { runners: [SEEN], last: true } });
  });

  test.each([
    ["an empty list", 1, 0, 0, true],
    ["a full page that is all", 1, 100, 100, true],
    ["a full page of more", 1, 100, 101, false],
    ["a page that is not full", 2, 1, 101, true],
    ["an empty page since others have left meanwhile", 3, 0, 199, true],
    ["a page of a server that does not know per_page", 1, 130, 130, true],
  ])("%s: page %i with %i of %i runners is the last: %p", async (_, page, count, total, last) => {
    const { answer } = await listed({ total_count: total, runners: runners(count) }, page);
    expect(answer).toMatchObject({ ok: true, value: { last } });
  });

  test.each([
    ["was cut short", { total_count: 2, runners: [RUNNER] }],
    ["is empty though there are runners", { total_count: 1, runners: [] }],
    ["does not say how many there are", { runners: [RUNNER] }],
    ["says it in words", { total_count: "1", runners: [RUNNER] }],
    ["is no list", { total_count: 1, runners: { 0: RUNNER } }],
    ["has an entry without an id", { total_count: 1, runners: [{ ...RUNNER, id: null }] }],
    [
      "has an entry that does not say whether it works",
      { total_count: 1, runners: [{ ...RUNNER, busy: 0 }] },
    ],
    ["is no object", [RUNNER]],
  ])("that %s is no answer", async (_, body) => {
    expect((await listed(body)).answer).toMatchObject({ ok: false, error: "unavailable" });
  });

  test("of a scope that is not there is not an empty one", async () => {
    const { github } = clientOf(() => json(404, { message: "Not Found" }));
    expect(await github.listRunners(REPO, 1)).toMatchObject({ ok: false, error: "not_found" });
  });
});
