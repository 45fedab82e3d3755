import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import type { GithubAuth, Caller } from "./auth";
import type { GithubState } from "./state";
import type { Permission, Repository } from "./types";

/** What the routes of the REST API share. */
export interface RestEnv {
  Bindings: HttpBindings;
  Variables: { caller: Caller };
}
export type RestContext = Context<RestEnv>;

const CORE_LIMIT = 5_000;

/**
 * The checks before any route, in GitHub's order, and the headers on every answer.
 * @see https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
 */
export function guard(state: GithubState, auth: GithubAuth): MiddlewareHandler<RestEnv> {
  let used = 0;
  return async (context, next) => {
    const agent = context.req.header("user-agent") ?? "";
    if (agent.trim() === "") {
      return context.text(
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
        403,
      );
    }
    const { clock } = state.settings;
    const caller = auth.caller(context.req.header("authorization"), clock());
    if (caller === null) {
      context.header("date", new Date(clock()).toUTCString());
      return problem(context, 401, "Bad credentials");
    }
    context.set("caller", caller);
    await next();
    used += 1;
    const { headers } = context.res;
    headers.set("date", new Date(clock()).toUTCString());
    if (!headers.has("x-ratelimit-limit")) {
      headers.set("x-ratelimit-limit", String(CORE_LIMIT));
      headers.set("x-ratelimit-remaining", String(Math.max(CORE_LIMIT - used, 1)));
      headers.set("x-ratelimit-reset", String(Math.ceil(clock() / 1000) + 3_600));
      headers.set("x-ratelimit-resource", "core");
    }
    const { pathname, search } = new URL(context.req.url);
    const { method } = context.req;
    state.events.emit({ type: "request", method, path: pathname + search, status: context.res.status });
    return undefined;
  };
}

/** GitHub's form of an error. */
export function problem(
  context: Context,
  status: 400 | 401 | 403 | 404 | 409 | 422,
  message: string,
): Response {
  const documentation = "https://docs.github.com/rest";
  return context.json({ message, documentation_url: documentation, status: String(status) }, status);
}

/** 422 with GitHub's list of reasons. */
export function invalid(context: Context, errors: readonly (string | object)[]): Response {
  return context.json(
    {
      message: "Validation Failed",
      documentation_url: "https://docs.github.com/rest",
      errors,
      status: "422",
    },
    422,
  );
}

/**
 * Finds the scope that a path names and checks that the caller may act there.
 * @returns the scope, or the answer to give instead: 404 for what is not there or not the caller's to know, 403 for a
 * permission that is lacking
 */
export function scopeOf(
  context: RestContext,
  state: GithubState,
  permission: Permission,
): { readonly scope: string; readonly repository: Repository | null } | Response {
  const { owner, repo, org } = context.req.param() as Record<string, string | undefined>;
  const repository = org === undefined ? (state.repository(`${owner ?? ""}/${repo ?? ""}`) ?? null) : null;
  const scope = repository?.fullName ?? org ?? "";
  const caller = context.get("caller");
  const exists = org === undefined ? repository !== null : state.isOrganization(org);
  const isOwn = caller.kind === "token" && caller.owner.toLowerCase() === (owner ?? org ?? "").toLowerCase();
  if (!exists || !isOwn) return problem(context, 404, "Not Found");
  if (caller.permissions !== null && !caller.permissions.includes(permission)) {
    return problem(context, 403, "Resource not accessible by personal access token");
  }
  return { scope, repository };
}

/** The body as a JSON object; null when it is none. */
export async function jsonBody(context: Context): Promise<Record<string, unknown> | null> {
  try {
    const value: unknown = await context.req.json();
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** `per_page` and `page` as GitHub reads them: 30 by default, 100 at most. */
export function page<T>(context: Context, all: readonly T[]): readonly T[] {
  const perPage = pageSize(context);
  const number = Math.max(1, Number(context.req.query("page") ?? 1) || 1);
  return all.slice((number - 1) * perPage, number * perPage);
}

export function pageSize(context: Context): number {
  return Math.min(100, Math.max(1, Number(context.req.query("per_page") ?? 30) || 30));
}
