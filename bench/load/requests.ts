import { randomUUID } from "node:crypto";
import type { Job, Repository } from "../../local/github/types";
import { workflowJobPayload } from "../../local/github/payload";
import { deliveryHeaders } from "../../local/github/sign";

/** Requests to be made and sent by the process that measures; what it is told by another one fits a message. */
export type Plan = DeliveryPlan | ClaimPlan;

export interface DeliveryPlan {
  readonly kind: "delivery";
  readonly action: "queued" | "in_progress" | "completed";
  /** `workflow_job.id` of each, in order; one that comes twice is a redelivery, with the same GUID. */
  readonly jobs: readonly number[];
  /** Repositories that the jobs are spread over, by their ids. */
  readonly repositories: number;
  readonly labels: readonly string[];
  /** Key of the signature; another one than the Worker's makes it a wrong one. */
  readonly secret: string;
  /** `X-GitHub-Hook-ID` of each repository's hook. @default the same numbers in every run */
  readonly hooks?: readonly number[];
  /** `runner_name` of each, in the order of `jobs`. @default none */
  readonly runners?: readonly string[];
}

export interface ClaimPlan {
  readonly kind: "claim";
  readonly method: "POST" | "DELETE";
  readonly claims: readonly string[];
}

const FIRST_HOOK = 292_430_182;

/** The owner of all repositories. */
export const OWNER = "octo-org";

/** The repository of a job. */
export function repositoryOf(jobId: number, repositories: number): string {
  return `${OWNER}/service-${String(jobId % repositories)}`;
}

/** Whole requests, as they go over a connection. */
export function requestsOf(plan: Plan): readonly Buffer[] {
  if (plan.kind === "claim") return plan.claims.map((claim) => claimRequest(plan.method, claim));
  const guids = new Map<number, string>();
  return plan.jobs.map((id, index) => {
    const guid = guids.get(id) ?? randomUUID();
    guids.set(id, guid);
    return deliveryRequest(plan, id, guid, plan.runners?.[index] ?? null);
  });
}

function deliveryRequest(plan: DeliveryPlan, id: number, guid: string, runner: string | null): Buffer {
  const body = JSON.stringify(workflowJobPayload(plan.action, job(plan, id, runner)));
  const headers = deliveryHeaders(
    {
      guid,
      event: "workflow_job",
      hookId: plan.hooks?.[id % plan.repositories] ?? FIRST_HOOK + (id % plan.repositories),
      target: { type: "repository", id: 1 },
      contentType: "json",
      secret: plan.secret,
    },
    body,
  );
  return request("POST", "/webhook", headers, body);
}

function claimRequest(method: string, claim: string): Buffer {
  return request(method, "/runners/claim", { Authorization: `Bearer ${claim}` }, "");
}

function request(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Buffer {
  const lines = Object.entries({
    Host: "127.0.0.1",
    ...headers,
    "Content-Length": String(Buffer.byteLength(body)),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

function job(plan: DeliveryPlan, id: number, runner: string | null): Job {
  const at = Date.now();
  const done = plan.action === "completed";
  return {
    id,
    run: {
      id: id + 1,
      repository: repository(repositoryOf(id, plan.repositories)),
    } as Job["run"],
    attempt: 1,
    name: "build",
    labels: plan.labels,
    runMs: 0,
    script: null,
    log: "",
    status: plan.action,
    conclusion: done ? "success" : null,
    runner: runner === null ? null : { id: 7, name: runner },
    assignedTo: null,
    createdAt: at,
    startedAt: plan.action === "queued" ? null : at,
    completedAt: done ? at : null,
  };
}

function repository(fullName: string): Repository {
  const [owner = "", name = ""] = fullName.split("/");
  return {
    id: 1,
    fullName,
    owner,
    name,
    private: true,
    fork: false,
    organization: false,
    archived: false,
    topics: [],
  };
}
