import { Hono } from "hono";
import { repositoryView } from "./account-routes";
import { type RestContext, type RestEnv, invalid, jsonBody, page, problem, scopeOf } from "./rest";
import type { GithubState } from "./state";
import type { RunnerGroup } from "./types";

const BASE = "/orgs/:org/actions/runner-groups";
const ONE = `${BASE}/:id{[0-9]+}`;
const VISIBILITIES: readonly unknown[] = ["all", "private", "selected"] satisfies RunnerGroup["visibility"][];

/**
 * Runner groups of an organization, as far as Terraform's provider manages them. An organization on the free plan has none
 * but the default one, and all of this is 404 there, as the field reports of listing them; of making one no report was
 * found, so that answer is taken to be the same.
 * @see https://docs.github.com/enterprise-cloud@latest/rest/actions/self-hosted-runner-groups
 * @see https://github.com/actions/actions-runner-controller/issues/1240
 */
export function groupRoutes(state: GithubState, serverUrl: () => string): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const answer = (context: RestContext, group: RunnerGroup, status: 200 | 201 = 200): Response =>
    context.json(view(group, serverUrl()), status);

  routes.post(BASE, async (context) => {
    const organization = organizationOf(context, state);
    if (organization instanceof Response) return organization;
    const read = readGroup(await jsonBody(context), { ...NEW, id: state.smallId(), organization });
    if (!("id" in read)) return invalid(context, read);
    const named = [...state.groups.values()].filter((it) => it.organization === organization);
    if (named.some(({ name }) => name === read.name)) return problem(context, 409, "Already exists");
    state.groups.set(read.id, read);
    return answer(context, read, 201);
  });
  routes.get(ONE, (context) => {
    const group = groupOf(context, state);
    return group instanceof Response ? group : answer(context, group);
  });
  routes.patch(ONE, async (context) => {
    const group = groupOf(context, state);
    if (group instanceof Response) return group;
    const read = readGroup(await jsonBody(context), group);
    if (!("id" in read)) return invalid(context, read);
    state.groups.set(read.id, read);
    return answer(context, read);
  });
  routes.delete(ONE, (context) => {
    const group = groupOf(context, state);
    if (group instanceof Response) return group;
    state.groups.delete(group.id);
    for (const runner of state.runners.values()) if (runner.groupId === group.id) runner.groupId = 1;
    return context.body(null, 204);
  });
  routes.get(`${ONE}/repositories`, (context) => {
    const group = groupOf(context, state);
    if (group instanceof Response) return group;
    const found = [...state.repositories.values()].filter(({ id }) => group.repositories.includes(id));
    return context.json({
      total_count: found.length,
      repositories: page(context, found).map(repositoryView),
    });
  });
  routes.put(`${ONE}/repositories`, async (context) => {
    const group = groupOf(context, state);
    if (group instanceof Response) return group;
    const ids = (await jsonBody(context))?.["selected_repository_ids"];
    const read = readGroup({ selected_repository_ids: ids ?? null }, group);
    if (!("id" in read)) return invalid(context, read);
    state.groups.set(read.id, read);
    return context.body(null, 204);
  });
  return routes;
}

const NEW = {
  name: "",
  visibility: "all",
  allowsPublicRepositories: false,
  restrictedToWorkflows: false,
  selectedWorkflows: [],
  repositories: [],
} as const satisfies Partial<RunnerGroup>;

function organizationOf(context: RestContext, state: GithubState): string | Response {
  const found = scopeOf(context, state, "organization_self_hosted_runners");
  if (found instanceof Response) return found;
  return state.plan(found.scope) === "free" ? problem(context, 404, "Not Found") : found.scope.toLowerCase();
}

function groupOf(context: RestContext, state: GithubState): RunnerGroup | Response {
  const organization = organizationOf(context, state);
  if (organization instanceof Response) return organization;
  const group = state.groups.get(Number(context.req.param("id")));
  return group?.organization === organization ? group : problem(context, 404, "Not Found");
}

/** A group with what a body says of it. @returns GitHub's list of reasons where the body is refused */
function readGroup(
  body: Readonly<Record<string, unknown>> | null,
  before: RunnerGroup,
): RunnerGroup | string[] {
  const read = body ?? {};
  const { name = before.name, visibility = before.visibility } = read;
  const { selected_repository_ids: repositories = before.repositories } = read;
  const { selected_workflows: workflows = before.selectedWorkflows } = read;
  const { allows_public_repositories: open = before.allowsPublicRepositories } = read;
  const { restricted_to_workflows: restricted = before.restrictedToWorkflows } = read;
  const errors: string[] = [];
  if (typeof name !== "string" || name.trim() === "") errors.push("name must be a string");
  if (!VISIBILITIES.includes(visibility)) errors.push("visibility must be all, private or selected");
  if (!isListOf(repositories, "number")) errors.push("selected_repository_ids must be integers");
  if (!isListOf(workflows, "string")) errors.push("selected_workflows must be strings");
  if (typeof open !== "boolean") errors.push("allows_public_repositories must be a boolean");
  if (typeof restricted !== "boolean") errors.push("restricted_to_workflows must be a boolean");
  if (errors.length > 0) return errors;
  return {
    ...before,
    name: name as string,
    visibility: visibility as RunnerGroup["visibility"],
    repositories: repositories as number[],
    selectedWorkflows: workflows as string[],
    allowsPublicRepositories: open as boolean,
    restrictedToWorkflows: restricted as boolean,
  };
}

function isListOf(value: unknown, type: "number" | "string"): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === type);
}

function view(group: RunnerGroup, serverUrl: string): object {
  const url = `${serverUrl}/api/v3/orgs/${group.organization}/actions/runner-groups/${String(group.id)}`;
  return {
    id: group.id,
    name: group.name,
    visibility: group.visibility,
    default: false,
    inherited: false,
    runners_url: `${url}/runners`,
    ...(group.visibility === "selected" && { selected_repositories_url: `${url}/repositories` }),
    allows_public_repositories: group.allowsPublicRepositories,
    restricted_to_workflows: group.restrictedToWorkflows,
    selected_workflows: group.selectedWorkflows,
    workflow_restrictions_read_only: false,
  };
}
