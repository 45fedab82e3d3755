import { Hono } from "hono";
import { type RestEnv, problem } from "./rest";
import type { GithubState } from "./state";
import type { Caller } from "./auth";
import type { Repository } from "./types";

/** Who speaks for a token of an organization: one of its members. */
const MEMBER = "octocat";

/**
 * Users, organizations and repositories, as far as Terraform's provider looks them up: whether an owner is an
 * organization is what `GET /orgs/{org}` tells it.
 * @see https://docs.github.com/rest/orgs/orgs#get-an-organization
 * @see https://docs.github.com/rest/users/users
 * @see https://docs.github.com/rest/repos/repos#get-a-repository
 */
export function accountRoutes(state: GithubState): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();

  routes.get("/orgs/:org", (context) => {
    const login = context.req.param("org");
    if (!state.isOrganization(login)) return problem(context, 404, "Not Found");
    const caller = context.get("caller");
    // Whoever does not act for the organization, or lacks the permission, is not told its plan.
    const isOwn = caller.kind === "token" && caller.owner.toLowerCase() === login.toLowerCase();
    const isTold = isOwn && (caller.permissions?.includes("organization_plan") ?? true);
    const plan = isTold ? { plan: { name: state.plan(login) } } : {};
    return context.json({ login, id: idOf(state, login), type: "Organization", ...plan });
  });

  routes.get("/users/:login", (context) => {
    const login = context.req.param("login");
    if (!state.isAccount(login)) return problem(context, 404, "Not Found");
    const type = state.isOrganization(login) ? "Organization" : "User";
    return context.json({ login, id: idOf(state, login), type });
  });

  routes.get("/user", (context) => {
    const caller = context.get("caller");
    if (caller.kind !== "token" || caller.isInstallation) {
      return problem(context, 403, "Resource not accessible by integration");
    }
    const login = state.isOrganization(caller.owner) ? MEMBER : caller.owner;
    return context.json({ login, id: idOf(state, login), type: "User" });
  });

  routes.get("/repos/:owner/:repo", (context) => {
    const { owner, repo } = context.req.param();
    const repository = state.repository(`${owner}/${repo}`);
    if (repository === undefined || !isVisible(repository, context.get("caller"))) {
      return problem(context, 404, "Not Found");
    }
    return context.json(repositoryView(repository));
  });

  return routes;
}

/** Whether a caller may know of a repository: everybody of a public one, its owner's tokens of a private one. */
export function isVisible(repository: Repository, caller: Caller): boolean {
  if (!repository.private) return true;
  return caller.kind === "token" && caller.owner.toLowerCase() === repository.owner.toLowerCase();
}

export function repositoryView(repository: Repository): object {
  const { id, name, fullName, owner, fork, archived, topics } = repository;
  return {
    ...{ id, name, full_name: fullName, private: repository.private, fork, archived, topics },
    visibility: repository.private ? "private" : "public",
    default_branch: "main",
    owner: { login: owner, type: repository.organization ? "Organization" : "User" },
  };
}

/** Of an account's first repository, which is as good as any and stays the same. */
function idOf(state: GithubState, login: string): number {
  const first = [...state.repositories.values()].find((it) => it.owner.toLowerCase() === login.toLowerCase());
  return first?.id ?? 1;
}
