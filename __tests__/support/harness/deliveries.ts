import { createHmac, randomUUID } from "node:crypto";
import examples from "@octokit/webhooks-examples";

/** The parts of a `workflow_job` delivery that tests set; the rest is GitHub's own published example. */
export interface DeliveryOptions {
  readonly action?: "queued" | "in_progress" | "completed" | "waiting";
  /** `workflow_job.status`, where it differs from the action. */
  readonly status?: string;
  readonly id?: number;
  readonly runId?: number;
  readonly labels?: readonly unknown[];
  readonly name?: unknown;
  readonly conclusion?: string | null;
  readonly runner?: string | null;
  readonly repository?: string;
  readonly private?: boolean;
  readonly fork?: boolean;
  readonly organization?: string;
}

export type Delivery = Record<string, unknown> & {
  workflow_job: Record<string, unknown>;
  repository: Record<string, unknown> & { owner: Record<string, unknown> };
};

interface Example {
  readonly name: string;
  readonly examples: readonly (Delivery & { action: string })[];
}

/** A `workflow_job` delivery: GitHub's example of that action with labels, ids and names set. */
export function workflowJob(options: DeliveryOptions = {}): Delivery {
  const action = options.action ?? "queued";
  const all =
    (examples as unknown as readonly Example[]).find((one) => one.name === "workflow_job")?.examples ?? [];
  const status = options.status ?? action;
  const found = all.find(
    (one) => one.action === action && one.repository["full_name"] === "Codertocat/Hello-World",
  );
  const base = structuredClone(found ?? all.find((one) => one.action === action));
  if (base === undefined) throw new Error(`no published example of workflow_job ${action}`);
  const fullName = options.repository ?? "octo-org/example";
  const [owner = "", name = ""] = fullName.split("/");
  Object.assign(base.workflow_job, {
    id: options.id ?? 1001,
    run_id: options.runId ?? 501,
    status,
    labels: options.labels ?? ["self-hosted", "linux", "x64"],
    name: options.name ?? "build",
    conclusion: options.conclusion ?? (action === "completed" ? "success" : null),
    runner_name: options.runner ?? null,
    runner_id: options.runner === undefined || options.runner === null ? null : 7,
  });
  Object.assign(base.repository, {
    full_name: fullName,
    name,
    private: options.private ?? true,
    visibility: (options.private ?? true) ? "private" : "public",
    fork: options.fork ?? false,
  });
  base.repository.owner["login"] = owner;
  if (options.organization !== undefined) base["organization"] = { login: options.organization, id: 1 };
  return base;
}

/** `sha256=` + HMAC over the raw bytes, as GitHub signs. */
export function sign(secret: string, body: string | Uint8Array): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** The headers of one delivery. */
export function deliveryHeaders(
  secret: string,
  body: string | Uint8Array,
  guid: string = randomUUID(),
): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "User-Agent": "GitHub-Hookshot/044aadd",
    "X-GitHub-Delivery": guid,
    "X-GitHub-Event": "workflow_job",
    "X-GitHub-Hook-ID": "292430182",
    "X-GitHub-Hook-Installation-Target-Type": "repository",
    "X-Hub-Signature-256": sign(secret, body),
  };
}
