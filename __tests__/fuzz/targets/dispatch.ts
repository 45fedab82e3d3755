import * as fc from "fast-check";
import {
  type DispatchBody,
  DispatchFieldError,
  dispatchBody,
  idempotencyToken,
  poolDispatchBody,
  poolIdempotencyToken,
} from "../../../contracts/dispatch";
import type { Target } from "../engine";
import { type Json, type JsonRecord, numberOf, recordOf, textOf } from "../json";
import { fieldOf, isFullName, isJobName, isOwner, isWhole, jsonOf, must } from "./shapes";

const CLAIM = {
  claim_url: "https://hooks.example.test/runners/claim",
  claim: "eyJzY29wZSI6Im8ifQ.c2lnbmF0dXJl",
};
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The body, or null when the builder refused a field. What else it throws is a fault. */
function built(build: () => DispatchBody): DispatchBody | null {
  try {
    return build();
  } catch (error) {
    if (error instanceof DispatchFieldError) return null;
    throw error;
  }
}

/** What the builders ask for by their types, which nobody holds a webhook's JSON to. */
interface Given {
  readonly repo: string;
  readonly job: string;
  readonly run_id: number;
  readonly job_id: number;
  readonly scope: string;
  readonly ordinal: number;
}

function check(raw: Json): void {
  const given = recordOf(raw);
  const { repo, job, run_id, job_id } = given as unknown as Given;
  const body = built(() =>
    dispatchBody({ repo, fork: given["fork"] === true, job, run_id, job_id, ...CLAIM }, base64),
  );
  const fits =
    isFullName(given["repo"]) &&
    isJobName(given["job"]) &&
    isWhole(given["run_id"], 1) &&
    isWhole(given["job_id"], 1);
  must((body !== null) === fits, "builds a job's body exactly when every field fits");
  if (body !== null) mustHold(body, given, numberOf(given["job_id"]));
  const { scope, ordinal } = given as unknown as Given;
  const pool = built(() => poolDispatchBody({ scope, ordinal, ...CLAIM }, base64));
  const poolFits = (isFullName(given["scope"]) || isOwner(given["scope"])) && isWhole(given["ordinal"], 1);
  must((pool !== null) === poolFits, "builds a pool's body exactly when every field fits");
  if (pool !== null)
    mustHold(pool, { repo: textOf(given["scope"]), fork: false, job: "warm", run_id: 0, job_id: 0 }, 0);
  if (pool !== null && body !== null)
    must(
      poolIdempotencyToken(scope, "linux", ordinal) !== idempotencyToken(job_id, ordinal),
      "gives a pool's runner another token than a job's",
    );
}

/** Nothing in it can be taken for more than a value, by a shell, by HCL or by Nomad's own templates. */
function mustHold({ Payload, Meta, IdPrefixTemplate }: DispatchBody, given: JsonRecord, jobId: number): void {
  const bytes = Buffer.from(Payload, "base64");
  must(bytes.toString("base64") === Payload && bytes.length <= 16_384, "has a payload that Nomad takes");
  const payload = jsonOf(bytes.toString("utf8"));
  for (const key of ["repo", "job", "run_id", "job_id"])
    must(fieldOf(payload, key) === given[key], "has in its payload what it was given");
  must(fieldOf(payload, "fork") === (given["fork"] === true), "has in its payload whether it is a fork");
  must(
    fieldOf(payload, "claim") === CLAIM.claim && fieldOf(payload, "claim_url") === CLAIM.claim_url,
    "has its claim",
  );
  must(
    Object.keys(Meta).sort().join() === "REPO_FULL_NAME,REPO_SHORT_NAME,WORKFLOW_JOB,WORKFLOW_RUN",
    "has the meta that the job declares",
  );
  must(Meta.REPO_FULL_NAME === given["repo"], "names the repository in its meta");
  must(
    Meta.REPO_FULL_NAME.endsWith(Meta.REPO_SHORT_NAME) && !Meta.REPO_SHORT_NAME.includes("/"),
    "has a short name",
  );
  must(Meta.WORKFLOW_JOB === String(jobId), "names the job in its meta");
  for (const value of [...Object.values(Meta), IdPrefixTemplate])
    must(
      value !== "" && value.length <= 256 && !/[^A-Za-z0-9._/-]/.test(value),
      "has nothing in its meta that acts",
    );
  must(!IdPrefixTemplate.includes("/"), "has a prefix that stays within the child's id");
}

const id = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1 }) },
  fc.constantFrom(0, -1, 1.5, 2 ** 53, "1", null),
);
const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("${x}", "{{env}}", "a/b\n", "a/..", "../b", "a/b/c"),
);

/** The body of a dispatch, from texts that a webhook brought. */
export const dispatch: Target = {
  name: "dispatch",
  inputs: fc.record({
    repo: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("octo-org/example", "a/-") }, hostile),
    job: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("build", "test (1, 2)") }, hostile),
    fork: fc.boolean(),
    run_id: id,
    job_id: id,
    scope: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("octo-org", "octo-org/example") }, hostile),
    ordinal: id,
  }),
  seeds: () => [],
  check,
};
