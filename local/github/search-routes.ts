import { Hono } from "hono";
import { isVisible, repositoryView } from "./account-routes";
import { type RestContext, type RestEnv, invalid, pageSize } from "./rest";
import type { GithubState } from "./state";
import type { Repository } from "./types";

/** Results that GitHub gives of one search, whatever it found.
 *  @see https://docs.github.com/rest/search/search#about-search */
const MAX_RESULTS = 1_000;

/** Longest query that GitHub takes. @see https://docs.github.com/rest/search/search#limitations-on-query-length */
const MAX_QUERY_LENGTH = 256;

type Test = (repository: Repository) => boolean;

/**
 * The search for repositories, by the qualifiers that this system uses. Its order is never the same twice, as GitHub's
 * is not, which sorts by the last update: whoever counts on it is found out.
 * @see https://docs.github.com/rest/search/search#search-repositories
 * @see https://docs.github.com/search-github/searching-on-github/searching-for-repositories
 */
export function searchRoutes(state: GithubState): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const turns = new Map<string, number>();

  routes.get("/search/repositories", (context) => {
    const query = context.req.query("q") ?? "";
    const tests = query.length > MAX_QUERY_LENGTH ? null : parse(query, state);
    if (tests === null) return refused(context);
    const first = (pageNumber(context) - 1) * pageSize(context);
    if (first >= MAX_RESULTS) {
      return invalid(context, ["Only the first 1000 search results are available"]);
    }
    if (first === 0) turns.set(query, (turns.get(query) ?? 0) + 1);
    const found = [...state.repositories.values()]
      .filter((it) => isVisible(it, context.get("caller")))
      .filter((it) => tests.every((test) => test(it)));
    const shown = turned(found, turns.get(query) ?? 0).slice(0, MAX_RESULTS);
    linkPages(context, shown.length);
    return context.json({
      total_count: found.length,
      incomplete_results: false,
      items: shown.slice(first, first + pageSize(context)).map(repositoryView),
    });
  });

  return routes;
}

/**
 * @returns null for what GitHub refuses, and for words and qualifiers that this stand-in does not know: it must not give
 * an answer to a question that it did not understand
 */
function parse(query: string, state: GithubState): readonly Test[] | null {
  const tests: Test[] = [];
  let forks: Test = (it) => !it.fork;
  for (const word of query.trim().split(/\s+/)) {
    const [qualifier, value = ""] = word.split(":");
    if (qualifier === "fork") {
      if (value !== "true" && value !== "only") return null;
      forks = (it) => value === "true" || it.fork;
      continue;
    }
    const test = testOf(qualifier ?? "", value.toLowerCase(), state);
    if (test === null) return null;
    tests.push(test);
  }
  return [...tests, forks];
}

function testOf(qualifier: string, value: string, state: GithubState): Test | null {
  switch (qualifier) {
    case "user":
    case "org":
      // Both find users and organizations.
      return state.isAccount(value) ? (it) => it.owner.toLowerCase() === value : null;
    case "topic":
      return (it) => it.topics.includes(value);
    case "archived":
      return value === "true" || value === "false" ? (it) => it.archived === (value === "true") : null;
    case "is":
      return value === "public" || value === "private" ? (it) => it.private === (value === "private") : null;
    default:
      return null;
  }
}

function refused(context: RestContext): Response {
  const message =
    "The listed users and repositories cannot be searched either because the resources do not exist or you do not " +
    "have permission to view them.";
  return invalid(context, [{ message, resource: "Search", field: "q", code: "invalid" }]);
}

function turned<T>(all: readonly T[], turns: number): readonly T[] {
  const start = all.length === 0 ? 0 : turns % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}

function pageNumber(context: RestContext): number {
  return Math.max(1, Number(context.req.query("page") ?? 1) || 1);
}

function linkPages(context: RestContext, results: number): void {
  const number = pageNumber(context);
  const last = Math.ceil(results / pageSize(context));
  if (number >= last) return;
  const link = (page: number, name: string): string => {
    const url = new URL(context.req.url);
    url.searchParams.set("page", String(page));
    return `<${url.href}>; rel="${name}"`;
  };
  context.header("link", `${link(number + 1, "next")}, ${link(last, "last")}`);
}
