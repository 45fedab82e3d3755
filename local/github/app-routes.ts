import { Hono } from "hono";
import type { GithubAuth, Installation } from "./auth";
import { iso } from "./payload";
import { type RestContext, type RestEnv, problem } from "./rest";
import type { Permission } from "./types";

/**
 * What an App asks with its JWT: where it is installed, and a token for there.
 * @see https://docs.github.com/rest/apps/apps
 */
export function appRoutes(auth: GithubAuth, clock: () => number): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();

  const installation = (context: RestContext): Response => {
    const { owner, account } = context.req.param() as Record<string, string | undefined>;
    const found = find(
      context,
      auth,
      (it) => it.account.toLowerCase() === (owner ?? account ?? "").toLowerCase(),
    );
    if (found instanceof Response) return found;
    return context.json({ id: found.id, app_id: found.appId, account: { login: found.account } });
  };
  routes.get("/repos/:owner/:repo/installation", installation);
  routes.get("/orgs/:account/installation", installation);
  routes.get("/users/:account/installation", installation);

  routes.post("/app/installations/:id{[0-9]+}/access_tokens", (context) => {
    const found = find(context, auth, (it) => it.id === Number(context.req.param("id")));
    if (found instanceof Response) return found;
    const { token, expiresAt } = auth.issue(found, clock());
    return context.json(
      {
        token,
        expires_at: iso(expiresAt),
        permissions: granted(auth.permissionsOf(found)),
        repository_selection: "all",
      },
      201,
    );
  });

  return routes;
}

/** Permissions under the names and levels that GitHub uses for Apps. */
const APP_PERMISSIONS: Readonly<Record<Permission, readonly [string, "read" | "write"]>> = {
  actions: ["actions", "read"],
  administration: ["administration", "write"],
  organization_hooks: ["organization_hooks", "write"],
  organization_plan: ["organization_plan", "read"],
  organization_self_hosted_runners: ["organization_self_hosted_runners", "write"],
  webhooks: ["repository_hooks", "write"],
};

function granted(permissions: readonly Permission[] | null): Record<string, string> {
  const all = Object.keys(APP_PERMISSIONS) as Permission[];
  return {
    ...Object.fromEntries((permissions ?? all).map((it) => APP_PERMISSIONS[it])),
    metadata: "read",
  };
}

function find(
  context: RestContext,
  auth: GithubAuth,
  match: (installation: Installation) => boolean,
): Installation | Response {
  const caller = context.get("caller");
  if (caller.kind !== "app") return problem(context, 401, "A JSON web token could not be decoded");
  const found = auth.installations.find((it) => it.appId === caller.appId && match(it));
  return found ?? problem(context, 404, "Not Found");
}
