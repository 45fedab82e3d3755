import { Token } from "cdktf";
import { CLAIM_PATH } from "../contracts/claim";
import { DispatchFieldError, MAX_PAYLOAD_BYTES, dispatchBody } from "../contracts/dispatch";

/** Longest repository name, job name and claim that their patterns let through. */
const LONGEST_REPOSITORY = `${"o".repeat(100)}/${"r".repeat(100)}`;
const LONGEST_JOB_NAME = "j".repeat(100);
const LONGEST_CLAIM = `${"c".repeat(1_024)}.${"h".repeat(43)}`;

/**
 * Whether any delivery could make a dispatch payload that Nomad refuses: built from the longest value that each field's
 * pattern lets through and the claim URL of this hostname, by the function that the Worker uses.
 */
export function payloadProblems(hostname: string): string[] {
  if (Token.isUnresolved(hostname)) return [];
  try {
    dispatchBody(
      {
        repo: LONGEST_REPOSITORY,
        fork: false,
        job: LONGEST_JOB_NAME,
        run_id: Number.MAX_SAFE_INTEGER,
        job_id: Number.MAX_SAFE_INTEGER,
        claim_url: `https://${hostname}${CLAIM_PATH}`,
        claim: LONGEST_CLAIM,
      },
      (text) => text,
    );
    return [];
  } catch (error) {
    if (!(error instanceof DispatchFieldError)) throw error;
    return [
      `hostname: must keep a dispatch payload within Nomad's ${String(MAX_PAYLOAD_BYTES)} bytes, ` +
        `got ${String(hostname.length)} characters; shorten it`,
    ];
  }
}
