/** Scripts of the Workers that the product is compared with: the least that anybody could do. */

const VERIFY = `
let key;
async function verified(request, env, body) {
  key ??= await crypto.subtle.importKey("raw", new TextEncoder().encode(env.SECRET), { name: "HMAC", hash: "SHA-256" },
    false, ["verify"]);
  const hex = /^sha256=([0-9a-f]{64})$/.exec(request.headers.get("X-Hub-Signature-256") ?? "")?.[1];
  if (hex === undefined) return false;
  const signature = Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16));
  return crypto.subtle.verify("HMAC", key, signature, body);
}
const json = (status, value) =>
  new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });
`;

/** Checks the HMAC over the raw bytes, and nothing else. */
export const HMAC_FLOOR = `${VERIFY}
export default {
  async fetch(request, env) {
    const good = await verified(request, env, await request.arrayBuffer());
    return good ? json(200, { outcome: "verified" }) : json(401, { error: "bad signature" });
  },
};`;

/** The same, then parses and makes one fetch: a dispatch as the product's, without its claim. */
export const FETCH_FLOOR = `${VERIFY}
export default {
  async fetch(request, env) {
    const body = await request.arrayBuffer();
    if (!(await verified(request, env, body))) return json(401, { error: "bad signature" });
    const { workflow_job: job, repository } = JSON.parse(new TextDecoder().decode(body));
    const payload = btoa(JSON.stringify({ repo: repository.full_name, job: job.name, run_id: job.run_id, job_id: job.id }));
    const answer = await fetch(
      env.NOMAD_ADDR + "/v1/job/github-runner-linux/dispatch?namespace=default&idempotency_token=" + job.id + ":1",
      {
        method: "POST",
        headers: { Authorization: "Bearer " + env.NOMAD_TOKEN, "Content-Type": "application/json" },
        body: JSON.stringify({ Payload: payload, Meta: { WORKFLOW_JOB: String(job.id) } }),
      },
    );
    await answer.text();
    return json(202, { outcome: "dispatched", job_id: job.id });
  },
};`;

/** One statement of a transaction that was recorded. */
export interface RecordedStatement {
  readonly sql: string;
  readonly params: readonly (string | number | null)[];
}

/**
 * Checks the HMAC, then runs one transaction of the statements given, each time for a job of its own: a job's id stands in
 * place of the recorded one's, and every UUID is a fresh one.
 * @param jobId the recorded one
 */
export function transactionFloor(statements: readonly RecordedStatement[], jobId: number): string {
  return `${VERIFY}
const STATEMENTS = ${JSON.stringify(statements)};
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
let job = 1_000_000;
function values(params, fresh) {
  return params.map((value) => {
    if (value === ${String(jobId)}) return job;
    if (!UUID.test(value)) return value;
    if (!fresh.has(value)) fresh.set(value, crypto.randomUUID());
    return fresh.get(value);
  });
}
export default {
  async fetch(request, env) {
    if (!(await verified(request, env, await request.arrayBuffer()))) return json(401, { error: "bad signature" });
    job += 1;
    const fresh = new Map();
    await env.LEDGER.batch(STATEMENTS.map(({ sql, params }) => env.LEDGER.prepare(sql).bind(...values(params, fresh))));
    return json(200, { outcome: "durable", job });
  },
};`;
}
