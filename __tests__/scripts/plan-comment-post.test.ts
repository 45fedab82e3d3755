import { serve } from "../../local/http/serve";
import { type PostProps, postComment } from "../../scripts/plan-comment/post-comment";
import { MARKER } from "../../scripts/plan-comment/render";
import { type CommentsServer, type CommentsServerProps, commentsServer } from "./support/comments-server";

const TOKEN = "ghs_token-of-this-run";
const BOT = "github-actions[bot]";
const BODY = `${MARKER}\nnew`;

let github: CommentsServer;
afterEach(() => github.close());

async function start(props: Partial<CommentsServerProps> = {}): Promise<void> {
  github = await commentsServer({ repository: "octo-org/runners", number: 7, token: TOKEN, ...props });
}

const post = (props: Partial<PostProps> = {}): ReturnType<typeof postComment> =>
  postComment({
    apiUrl: github.url,
    repository: "octo-org/runners",
    number: 7,
    token: TOKEN,
    body: BODY,
    ...props,
  });

describe("the comment of a pull request", () => {
  test("is made once and written into afterwards", async () => {
    await start();
    expect(await post({ body: `${MARKER}\nold` })).toMatchObject({ done: "created" });
    expect(await post()).toEqual({
      done: "updated",
      url: "https://github.com/octo-org/runners/pull/7#issuecomment-1000",
    });
    expect(github.comments.map(({ body }) => body)).toEqual([BODY]);
  });

  test("is found on a later page", async () => {
    await start();
    for (let n = 0; n < 250; n += 1) github.add("octocat", `comment ${String(n)}`);
    github.add(BOT, `${MARKER}\nold`);
    for (let n = 0; n < 20; n += 1) github.add("octocat", "later");
    expect(await post()).toMatchObject({ done: "updated" });
    expect(github.comments[250]?.body).toBe(BODY);
    expect(github.requests.filter((request) => request.startsWith("GET"))).toHaveLength(3);
  });

  test("is made after a full last page without it", async () => {
    await start();
    for (let n = 0; n < 100; n += 1) github.add("octocat", "comment");
    expect(await post()).toMatchObject({ done: "created" });
  });

  test("is never written into what somebody else wrote, nor into another comment of ours", async () => {
    await start();
    github.add("mallory", `${MARKER}\nmine`);
    github.add(BOT, `about coverage, and ${MARKER}`);
    expect(await post()).toMatchObject({ done: "created" });
    expect(github.comments).toHaveLength(3);
    expect(github.comments[0]?.body).toContain("mine");
  });

  test("is found by another author's name where the token is another one", async () => {
    await start();
    github.add("our-app[bot]", `${MARKER}\nold`);
    expect(await post({ author: "our-app[bot]" })).toMatchObject({ done: "updated" });
  });

  test("goes to GitHub Enterprise Server's path", async () => {
    await start({ base: "/api/v3" });
    await post();
    expect(github.requests.every((request) => request.includes(" /api/v3/repos/octo-org/runners/"))).toBe(
      true,
    );
  });

  test("says which permission is missing", async () => {
    await start({ readOnly: true });
    await expect(post()).rejects.toThrow(/answered with 403[\s\S]*pull-requests: write/);
  });

  test("says that the token is not known, and does not say the token", async () => {
    await start();
    const failure = post({ token: "ghs_something-else" });
    await expect(failure).rejects.toThrow(/answered with 401[\s\S]*GITHUB_TOKEN/);
    await expect(failure).rejects.not.toThrow(/something-else/);
  });

  test("says that there is no such pull request, or not for this token", async () => {
    await start();
    await expect(post({ number: 8 })).rejects.toThrow(/answered with 404[\s\S]*must not come from a fork/);
  });

  test("does not carry the token to where a redirect points", async () => {
    await start();
    const elsewhere = github;
    const renamed = await serve(() => Response.redirect(`${elsewhere.url}/repositories/1`, 301));
    try {
      await expect(post({ apiUrl: renamed.url })).rejects.toThrow(/answered with 301[\s\S]*renamed/);
    } finally {
      await renamed.close();
    }
    expect(elsewhere.requests).toEqual([]);
  });

  test("says that nobody answers", async () => {
    await start();
    await github.close();
    await expect(post()).rejects.toThrow(/got no answer.*GITHUB_API_URL/);
  });

  test("is refused by GitHub when it is too long, and the refusal is told", async () => {
    await start();
    await expect(post({ body: MARKER + "x".repeat(65_536) })).rejects.toThrow(/422.*too long/);
  });
});
