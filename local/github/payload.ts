import examples from "@octokit/webhooks-examples";
import type { Job, Repository } from "./types";

type Json = Record<string, unknown>;

/** The repository most of GitHub's published examples come from. */
const EXAMPLE_REPOSITORY = "Codertocat/Hello-World";

/**
 * A `workflow_job` payload: GitHub's own published example with the ids, names, labels and the repository set.
 * @param action what the delivery tells; `queued` of a job that waits for approval is GitHub's own odd mixture of both
 * @see https://github.com/octokit/webhooks/tree/main/payload-examples
 */
export function workflowJobPayload(
  action: "queued" | "waiting" | "in_progress" | "completed",
  job: Job,
): Json {
  const waiting = job.status === "waiting";
  const example = find("workflow_job", (it) => {
    const told = it["workflow_job"] as Json;
    if (it["action"] !== action) return false;
    return waiting ? told["status"] === "waiting" : told["status"] === action && isFromExampleRepository(it);
  });
  const payload = rename(example, job.run.repository);
  payload["workflow_job"] = { ...(payload["workflow_job"] as Json), ...workflowJob(job) };
  return payload;
}

/** The payload of a `ping`, sent when a hook is made. */
export function pingPayload(hookId: number, repository: Repository | null): Json {
  const payload = find("ping", () => true);
  payload["hook_id"] = hookId;
  return repository === null ? payload : rename(payload, repository);
}

/** What a workflow finds in `$GITHUB_EVENT_PATH`: the event that started its run. */
export function workflowEvent(job: Job): Json {
  const { event, repository, headRepository } = job.run;
  if (event === "push") return rename(find("push", isFromExampleRepository), repository);
  const payload = rename(find("pull_request", isFromExampleRepository), repository);
  const pull = payload["pull_request"] as Json;
  const head = pull["head"] as Json;
  const own = payload["repository"] as Json;
  const isFork = headRepository !== repository.fullName;
  (pull["base"] as Json)["repo"] = own;
  head["repo"] = own;
  // A fork that was deleted leaves a pull request without a head repository.
  if (isFork) head["repo"] = headRepository === null ? null : forkOf(own, headRepository);
  return payload;
}

/** Far from the ids that the stand-in gives to repositories. */
const FORK_ID_OFFSET = 1_000_000;

function forkOf(own: Json, fullName: string): Json {
  const [login, name] = fullName.split("/");
  const owner = { ...(own["owner"] as Json), login };
  return { ...own, id: Number(own["id"]) + FORK_ID_OFFSET, full_name: fullName, name, owner, fork: true };
}

/** The fields of a job that GitHub sets for it, in a payload as in the REST API. */
export function workflowJob(job: Job): Json {
  return {
    id: job.id,
    run_id: job.run.id,
    run_attempt: job.attempt,
    status: job.status,
    conclusion: job.conclusion,
    name: job.name,
    labels: [...job.labels],
    created_at: iso(job.createdAt),
    started_at: iso(job.startedAt ?? job.createdAt),
    completed_at: job.completedAt === null ? null : iso(job.completedAt),
    runner_id: job.runner?.id ?? null,
    runner_name: job.runner?.name ?? null,
    runner_group_id: job.runner === null ? null : 1,
    runner_group_name: job.runner === null ? null : "Default",
  };
}

/** GitHub's time format: no milliseconds. */
export function iso(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function find(event: string, match: (example: Json) => boolean): Json {
  const definitions = examples as readonly { readonly name: string; readonly examples: readonly unknown[] }[];
  const candidates = (definitions.find(({ name }) => name === event)?.examples ?? []) as readonly Json[];
  const example = candidates.find(match);
  if (example === undefined) throw new Error(`@octokit/webhooks-examples has no fitting example of ${event}`);
  return structuredClone(example);
}

function isFromExampleRepository(example: Json): boolean {
  return (example["repository"] as Json | undefined)?.["full_name"] === EXAMPLE_REPOSITORY;
}

/** Makes an example one of our repository: its name wherever it stands, and the flags that decide about runners. */
function rename(example: Json, repository: Repository): Json {
  const before =
    (example["repository"] as { full_name?: string } | undefined)?.full_name ?? EXAMPLE_REPOSITORY;
  const payload = JSON.parse(JSON.stringify(example).replaceAll(before, repository.fullName)) as Json;
  const old = payload["repository"] as Json;
  payload["repository"] = {
    ...old,
    id: repository.id,
    name: repository.name,
    full_name: repository.fullName,
    private: repository.private,
    visibility: repository.private ? "private" : "public",
    fork: repository.fork,
    owner: {
      ...(old["owner"] as Json),
      login: repository.owner,
      type: repository.organization ? "Organization" : "User",
    },
  };
  // Only deliveries of an App carry it, and these are a repository's or an organization's hooks.
  delete payload["installation"];
  if (repository.organization) payload["organization"] = { login: repository.owner, id: repository.id };
  else delete payload["organization"];
  return payload;
}
