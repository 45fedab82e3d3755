import { Hono } from "hono";
import { encodeJitConfig } from "./jit";
import { type RestContext, type RestEnv, invalid, jsonBody, page, problem, scopeOf } from "./rest";
import type { GithubState } from "./state";
import type { Permission, Runner } from "./types";

/** Window of the limit on registrations.
 *  @see https://docs.github.com/actions/reference/limits (Self-hosted runner registrations) */
const REGISTRATION_WINDOW_MS = 5 * 60_000;

const MAX_NAME_LENGTH = 64;
const MAX_LABELS = 100;

/**
 * Self-hosted runners of a repository and of an organization.
 * @see https://docs.github.com/rest/actions/self-hosted-runners
 */
export function runnerRoutes(state: GithubState, serverUrl: () => string): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const kinds: readonly (readonly [string, Permission])[] = [
    ["/repos/:owner/:repo/actions/runners", "administration"],
    ["/orgs/:org/actions/runners", "organization_self_hosted_runners"],
  ];
  for (const [base, permission] of kinds) {
    routes.post(`${base}/generate-jitconfig`, (context) => register(context, state, permission, serverUrl()));
    routes.get(base, (context) => {
      const found = scopeOf(context, state, permission);
      if (found instanceof Response) return found;
      const name = context.req.query("name");
      const all = state.runnersOf(found.scope).filter((it) => name === undefined || it.name === name);
      return context.json({ total_count: all.length, runners: page(context, all).map(view) });
    });
    routes.get(`${base}/:id{[0-9]+}`, (context) => {
      const found = one(context, state, permission);
      return found instanceof Response ? found : context.json(view(found));
    });
    routes.delete(`${base}/:id{[0-9]+}`, (context) => {
      const found = one(context, state, permission);
      if (found instanceof Response) return found;
      if (found.jobId !== null) {
        return problem(
          context,
          422,
          `Runner "${found.name}" is currently running a job and cannot be deleted.`,
        );
      }
      state.removeRunner(found);
      return context.body(null, 204);
    });
  }
  return routes;
}

async function register(
  context: RestContext,
  state: GithubState,
  permission: Permission,
  serverUrl: string,
): Promise<Response> {
  const found = scopeOf(context, state, permission);
  if (found instanceof Response) return found;
  const body = await jsonBody(context);
  if (body === null) return problem(context, 400, "Problems parsing JSON");
  const { name, runner_group_id: groupId, labels } = body;
  const errors = registrationErrors(body);
  if (errors.length > 0) return invalid(context, errors);
  if (!state.hasGroup(found.scope, groupId as number)) return problem(context, 404, "Not Found");
  const limited = limit(context, state, found.scope);
  if (limited !== null) return limited;
  if (state.runnersOf(found.scope).some((it) => it.name.toLowerCase() === String(name).toLowerCase())) {
    return problem(context, 409, "Already exists - A runner with the name already exists.");
  }
  const runner = state.addRunner(found.scope, name as string, labels as string[], groupId as number);
  return context.json({ runner: view(runner), encoded_jit_config: encodeJitConfig(runner, serverUrl) }, 201);
}

function registrationErrors(body: Readonly<Record<string, unknown>>): string[] {
  const { name, runner_group_id: groupId, labels, work_folder: folder } = body;
  const errors: string[] = [];
  if (typeof name !== "string" || name === "" || name.length > MAX_NAME_LENGTH) {
    errors.push(`name must be a string of 1 to ${String(MAX_NAME_LENGTH)} characters`);
  }
  if (typeof groupId !== "number" || !Number.isInteger(groupId))
    errors.push("runner_group_id must be an integer");
  const isList = Array.isArray(labels) && labels.length > 0 && labels.length <= MAX_LABELS;
  if (!isList || !labels.every((label) => typeof label === "string" && label !== "")) {
    errors.push(`labels must be 1 to ${String(MAX_LABELS)} strings`);
  }
  if (folder !== undefined && typeof folder !== "string") errors.push("work_folder must be a string");
  return errors;
}

function limit(context: RestContext, state: GithubState, scope: string): Response | null {
  const now = state.settings.clock();
  const recent = (state.registrations.get(scope) ?? []).filter((at) => now - at < REGISTRATION_WINDOW_MS);
  const first = recent[0];
  if (first !== undefined && recent.length >= state.settings.registrationLimit) {
    context.header("x-ratelimit-limit", String(state.settings.registrationLimit));
    context.header("x-ratelimit-remaining", "0");
    context.header("x-ratelimit-reset", String(Math.ceil((first + REGISTRATION_WINDOW_MS) / 1000)));
    context.header("x-ratelimit-resource", "actions_runner_registration");
    return problem(context, 403, "API rate limit exceeded");
  }
  state.registrations.set(scope, [...recent, now]);
  return null;
}

function one(context: RestContext, state: GithubState, permission: Permission): Runner | Response {
  const found = scopeOf(context, state, permission);
  if (found instanceof Response) return found;
  const runner = state.runners.get(Number(context.req.param("id")));
  const isHere = runner?.scope.toLowerCase() === found.scope.toLowerCase();
  return runner !== undefined && isHere ? runner : problem(context, 404, "Not Found");
}

function view(runner: Runner): object {
  return {
    id: runner.id,
    name: runner.name,
    os: runner.session === null ? "unknown" : "linux",
    status: runner.session === null ? "offline" : "online",
    busy: runner.jobId !== null,
    ephemeral: true,
    runner_group_id: runner.groupId,
    labels: runner.labels.map((name, index) => ({ id: index + 1, name, type: "custom" })),
  };
}
