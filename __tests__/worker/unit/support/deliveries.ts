/** A `workflow_job` payload of the shape GitHub documents, cut to the fields that are read. */
export interface Payload {
  action: unknown;
  workflow_job: Record<string, unknown>;
  repository: Record<string, unknown>;
  organization?: unknown;
}

export const DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

export function payload(
  action = "queued",
  job: Record<string, unknown> = {},
  repository: Record<string, unknown> = {},
): Payload {
  const status = action === "queued" ? "queued" : action;
  return {
    action,
    workflow_job: {
      id: 2832853555,
      run_id: 940463255,
      status,
      conclusion: null,
      name: "build",
      labels: ["self-hosted", "linux"],
      runner_name: null,
      ...job,
    },
    repository: {
      full_name: "octo-org/example",
      private: true,
      visibility: "private",
      fork: false,
      ...repository,
    },
    organization: { login: "octo-org" },
  };
}

export function headers(changes: Record<string, string | null> = {}): Headers {
  const result = new Headers({
    "Content-Type": "application/json",
    "X-GitHub-Event": "workflow_job",
    "X-GitHub-Delivery": DELIVERY,
  });
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) result.delete(name);
    else result.set(name, value);
  }
  return result;
}

export function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}
