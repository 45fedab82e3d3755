import { isId, matches } from "../../contracts/patterns";
import { type WorkflowJobEvent, readLabels, readRepository } from "../event";
import { asRecord } from "../json";

/** A workflow run in a listing. */
export interface ListedRun {
  readonly id: number;
  /** When it or its newest attempt began, and when GitHub last changed it: milliseconds since the epoch. */
  readonly startedAt: number;
  readonly changedAt: number;
  readonly repository: WorkflowJobEvent["repository"];
  /** The owner's login where that is an organization. */
  readonly organization: string | null;
}

/** A queued job of a run. */
export interface ListedJob {
  readonly jobId: number;
  /** As GitHub sent it: to be cleaned. */
  readonly name: unknown;
  readonly labels: readonly string[];
  readonly createdAt: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Whether no page comes after it. */
  readonly last: boolean;
}

/** Entries of a page. GitHub takes 100; but a run is some 15 KB with its repositories, a job some 10 KB with its steps,
 *  and an answer is read up to 1 MiB, on the free plan within 10 ms of CPU time.
 *  @see https://developers.cloudflare.com/workers/platform/limits/#cpu-time */
export const RUNS_PER_PAGE = 25;
export const JOBS_PER_PAGE = 50;

/** What GitHub gives of one listing by status. @see https://docs.github.com/rest/actions/workflow-runs */
const MAX_RUNS = 1_000;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]{0,10}(?:Z|[+-]\d\d:\d\d)$/;

/** The runs of `repo` on a page; one that cannot be read, or of another repository, is left out: nothing is concluded
 *  from what is missing. */
export function readRuns(json: unknown, repo: string, page: number): Page<ListedRun> | undefined {
  const read = readPage(json, "workflow_runs", page, RUNS_PER_PAGE, (entry) => {
    const { id, created_at: created, run_started_at: started, updated_at: updated } = entry;
    const repository = readRepository(entry["repository"]);
    if (!isId(id) || typeof repository === "string") return null;
    if (repository.fullName.toLowerCase() !== repo.toLowerCase()) return null;
    const startedAt = newest(created, started);
    const owner = asRecord(asRecord(entry["repository"])?.["owner"]);
    const organization = owner?.["type"] === "Organization" ? repository.owner : null;
    return { id, startedAt, changedAt: Math.max(startedAt, newest(updated)), repository, organization };
  });
  return read && { ...read, last: read.last || page * RUNS_PER_PAGE >= MAX_RUNS };
}

/** The queued jobs of a run on a page, by the same rules. */
export function readQueuedJobs(json: unknown, runId: number, page: number): Page<ListedJob> | undefined {
  return readPage(json, "jobs", page, JOBS_PER_PAGE, (entry) => {
    const { id, run_id: run, status, name, created_at: created } = entry;
    const labels = readLabels(entry["labels"]);
    if (!isId(id) || run !== runId || status !== "queued" || typeof labels === "string") return null;
    return matches(TIME, created) ? { jobId: id, name, labels, createdAt: Date.parse(created) } : null;
  });
}

function readPage<T>(
  json: unknown,
  key: string,
  page: number,
  size: number,
  read: (entry: Readonly<Record<string, unknown>>) => T | null,
): Page<T> | undefined {
  const { [key]: entries, total_count: total } = asRecord(json) ?? {};
  if (!Array.isArray(entries) || typeof total !== "number") return undefined;
  const items = entries
    .slice(0, size)
    .map((entry) => read(asRecord(entry) ?? {}))
    .filter((one) => one !== null);
  const seen = page * size;
  return { items, last: entries.length < size || seen >= total };
}

/** 0 where none can be read. */
function newest(...times: readonly unknown[]): number {
  return Math.max(0, ...times.map((time) => (matches(TIME, time) ? Date.parse(time) || 0 : 0)));
}
