import { isDeepStrictEqual } from "node:util";
import examples from "@octokit/webhooks-examples";
import * as fc from "fast-check";
import {
  type IgnoredReason,
  type ParsedEvent,
  type UnusableReason,
  type WorkflowJobEvent,
  parseEvent,
} from "../../../worker/event";
import type { Target } from "../engine";
import { type Json, bytesOf, recordOf, textOf } from "../json";
import {
  fieldOf,
  isFullName,
  isGuid,
  isJobName,
  isLabel,
  isOwner,
  isRunnerName,
  isWhole,
  jsonOf,
  must,
  utf8TextOf,
} from "./shapes";

/** Written out, so that the compiler asks for a word that is new. */
const KINDS: Readonly<Record<ParsedEvent["kind"], true>> = {
  unusable: true,
  ping: true,
  ignored: true,
  workflow_job: true,
};
const UNUSABLE: Readonly<Record<UnusableReason, true>> = {
  no_event_header: true,
  bad_event_header: true,
  no_delivery_header: true,
  bad_delivery_header: true,
  form_encoded: true,
  not_utf8: true,
  not_json: true,
  not_an_object: true,
  no_action: true,
  no_workflow_job: true,
  bad_job_id: true,
  bad_run_id: true,
  bad_labels: true,
  no_repository: true,
  bad_repository: true,
};
const IGNORED: Readonly<Record<IgnoredReason, true>> = {
  other_event: true,
  action_waiting: true,
  other_action: true,
  status_waiting: true,
  status_not_queued: true,
  too_many_labels: true,
  bad_label: true,
};

/** As GitHub documents them. */
const CONCLUSIONS =
  "success failure skipped cancelled action_required neutral timed_out stale startup_failure".split(" ");

/** GitHub's default for a hook, whatever follows it but more of a word. */
const FORM = "application/x-www-form-urlencoded";

/** @returns null for headers that no runtime hands on */
function headersOf(raw: Json | undefined): Headers | null {
  try {
    return new Headers(
      Object.entries(recordOf(raw)).map(([name, value]): [string, string] => [name, textOf(value)]),
    );
  } catch {
    return null;
  }
}

function check(raw: Json): void {
  const headers = headersOf(recordOf(raw)["headers"]);
  if (headers === null) return;
  const body = bytesOf(recordOf(raw)["body"]);
  const parsed = parseEvent(headers, body);
  mustBeDeclared(parsed);
  const expected = expectedEvent(headers, body);
  must(
    (parsed.kind === "workflow_job") === (expected !== null),
    "takes exactly the deliveries that ask for something",
  );
  if (parsed.kind !== "workflow_job" || expected === null) return;
  mustFit(parsed.event);
  must(isDeepStrictEqual(parsed.event, expected), "reads what the JSON says");
}

function mustBeDeclared(parsed: ParsedEvent): void {
  must(Object.hasOwn(KINDS, parsed.kind), "gives a declared kind");
  if (parsed.kind === "unusable")
    must(Object.hasOwn(UNUSABLE, parsed.reason), "gives a declared reason for what is unusable");
  if (parsed.kind === "ignored")
    must(Object.hasOwn(IGNORED, parsed.reason), "gives a declared reason for what is ignored");
}

function mustFit(event: WorkflowJobEvent): void {
  must(isGuid(event.delivery), "takes a delivery's GUID by its shape");
  must(isWhole(event.jobId, 1) && isWhole(event.runId, 1), "takes ids that are whole and positive");
  must(isJobName(event.name), "cleans a job's name");
  must(event.labels.length <= 100 && event.labels.every(isLabel), "takes labels by their shape");
  must(
    event.conclusion === null || CONCLUSIONS.includes(event.conclusion),
    "takes conclusions that are known",
  );
  must(event.runnerName === null || isRunnerName(event.runnerName), "takes a runner's name by its shape");
  must(isFullName(event.repository.fullName), "takes a repository by its shape");
  must(
    event.repository.fullName.startsWith(`${event.repository.owner}/`),
    "takes the owner from the repository",
  );
  must(event.organization === null || isOwner(event.organization), "takes an organization by its shape");
}

/** The delivery read a second time. @returns null when it asks for nothing */
function expectedEvent(headers: Headers, body: Uint8Array): WorkflowJobEvent | null {
  const delivery = headers.get("X-GitHub-Delivery");
  const type = (headers.get("Content-Type") ?? "").toLowerCase();
  if (headers.get("X-GitHub-Event") !== "workflow_job" || !isGuid(delivery)) return null;
  if (type.startsWith(FORM) && !/\w/.test(type.charAt(FORM.length))) return null;
  const payload = jsonOf(utf8TextOf(body) ?? "");
  const action = fieldOf(payload, "action");
  const job = fieldOf(payload, "workflow_job");
  const repository = fieldOf(payload, "repository");
  const fullName = fieldOf(repository, "full_name");
  const [id, run, name, given] = ["id", "run_id", "name", "labels"].map((key) => fieldOf(job, key));
  if (action !== "queued" && action !== "in_progress" && action !== "completed") return null;
  if (action === "queued" && fieldOf(job, "status") !== "queued") return null;
  if (!isWhole(id, 1) || !isWhole(run, 1) || !isFullName(fullName) || !Array.isArray(given)) return null;
  const labels = expectedLabels(given, action === "queued");
  if (labels === null) return null;
  const conclusion = fieldOf(job, "conclusion");
  const runner = fieldOf(job, "runner_name");
  const organization = fieldOf(fieldOf(payload, "organization"), "login");
  return {
    delivery,
    action,
    jobId: id,
    runId: run,
    name: expectedName(name),
    labels,
    conclusion:
      action === "completed" && CONCLUSIONS.includes(conclusion as string) ? (conclusion as string) : null,
    runnerName: isRunnerName(runner) ? runner : null,
    repository: {
      fullName,
      owner: fullName.split("/", 1)[0] ?? "",
      private: fieldOf(repository, "private") === true && fieldOf(repository, "visibility") !== "public",
      fork: fieldOf(repository, "fork") === true,
    },
    organization: isOwner(organization) ? organization : null,
  };
}

/** A job that is over or under way is taken whatever well-formed labels it has: without those that nobody here has. What
 *  is no list of texts is nobody's job. Where a list ends for the reader, what follows is not looked at. */
function expectedLabels(given: readonly unknown[], asks: boolean): readonly string[] | null {
  const odd = given.length > 100 ? 0 : given.findIndex((one) => !isLabel(one));
  if (odd === -1) return given as readonly string[];
  if (asks) return null;
  return given.length > 100 || typeof given[odd] === "string" ? [] : null;
}

function expectedName(name: unknown): string {
  if (typeof name !== "string" || name === "") return "_";
  return Array.from({ length: Math.min(100, name.length) }, (_, at) => name.charAt(at))
    .map((one) => (isJobName(one) ? one : "_"))
    .join("");
}

const HEADERS = {
  "Content-Type": "application/json",
  "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
  "X-GitHub-Event": "workflow_job",
};

/** A delivery as small as it can be. */
const payload = fc.record({
  action: fc.constantFrom("queued", "in_progress", "completed", "waiting", "requested"),
  workflow_job: fc.record({
    id: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1 }) }, fc.double(), fc.bigInt().map(String)),
    run_id: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1 }) }, fc.double()),
    status: fc.constantFrom("queued", "queued", "queued", "waiting", "in_progress", "completed", "pending"),
    name: fc.oneof(fc.constant("build"), fc.string({ unit: "grapheme", maxLength: 120 })),
    conclusion: fc.option(fc.oneof(fc.constantFrom(...CONCLUSIONS), fc.string())),
    runner_name: fc.option(fc.oneof(fc.constant("0a1b2c-linux-1-1"), fc.string())),
    labels: fc.array(
      fc.oneof({ weight: 9, arbitrary: fc.constantFrom("self-hosted", "linux", "x64", "GPU") }, fc.string()),
      {
        maxLength: 5,
      },
    ),
  }),
  repository: fc.record({
    full_name: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom("octo-org/example", "me/tool", "a/..b") },
      fc.tuple(fc.string(), fc.string()).map(([owner, name]) => `${owner}/${name}`),
    ),
    private: fc.constantFrom(true, false, null),
    visibility: fc.constantFrom("private", "public", "internal"),
    fork: fc.boolean(),
  }),
  organization: fc.option(fc.record({ login: fc.oneof(fc.constant("octo-org"), fc.string()) })),
});

const hostileHeaders = fc.record(
  {
    "Content-Type": fc.string(),
    "X-GitHub-Delivery": fc.string(),
    "X-GitHub-Event": fc.constantFrom("ping", "workflow_job", "workflow_run", "Workflow_Job", ""),
  },
  { requiredKeys: [] },
);

/** A delivery of a workflow job, its signature being right. */
export const event: Target = {
  name: "event",
  inputs: fc.record({
    headers: fc.oneof(
      { weight: 9, arbitrary: fc.constant(HEADERS) },
      fc.constant({ ...HEADERS, "Content-Type": "application/x-www-form-urlencoded" }),
      hostileHeaders,
    ),
    body: payload.map((one) => JSON.stringify(one)),
  }),
  // Everything that GitHub publishes: each form of this event, and one form of each other.
  seeds: () =>
    (examples as unknown as readonly { readonly name: string; readonly examples: readonly Json[] }[]).flatMap(
      ({ name, examples: given }) =>
        (name === "workflow_job" ? given : given.slice(0, 1)).map((one) => ({
          headers: { ...HEADERS, "X-GitHub-Event": name },
          body: JSON.stringify(one),
        })),
    ),
  check,
};
