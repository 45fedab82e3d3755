import { type DeliveryOptions, deliveryHeaders, workflowJob } from "../../support/harness/deliveries";
import { type Harness, STATUS_TOKEN, WEBHOOK_SECRET } from "../../support/harness/harness";
import type { Reply } from "../../support/harness/origin";

/** Nomad's answer where the class's job is not registered: a mistake that only an operator can mend, so whoever sends
 *  tries once and leaves the rest to a sweep a minute later. */
export const NO_SUCH_JOB: Reply = { status: 500, body: "parameterized job not found" };

/** Nomad's answer during an election. */
export const NO_LEADER: Reply = { status: 500, body: "No cluster leader" };

/** Idempotency tokens in the order in which Nomad was asked. */
export function tokens(harness: Harness): string[] {
  return harness.dispatches().map((one) => one.token);
}

/** The claim that the last dispatch of that token carried. */
export function claimOf(harness: Harness, token: string): string {
  const found = harness.dispatches().findLast((one) => one.token === token);
  if (found === undefined) throw new Error(`no dispatch ${token}; there were ${tokens(harness).join(", ")}`);
  return found.payload.claim;
}

/** Delivers without waiting for what follows the answer. */
export async function postJob(harness: Harness, options: DeliveryOptions, guid?: string): Promise<Response> {
  const body = JSON.stringify(workflowJob(options));
  return harness.post(body, deliveryHeaders(WEBHOOK_SECRET, body, guid));
}

/** Jobs that wait, each with a request that was refused once and is due again. Nomad's reply stays the refusing one. */
export async function queueUnsent(harness: Harness, jobs: readonly DeliveryOptions[]): Promise<void> {
  harness.nomad.reply = () => NO_SUCH_JOB;
  for (const job of jobs) await harness.deliver(workflowJob(job));
  await harness.age(61);
  harness.nomad.seen.length = 0;
}

/** Job ids from `first` on. */
export function jobs(count: number, first = 1): DeliveryOptions[] {
  return Array.from({ length: count }, (_, index) => ({ id: first + index }));
}

/** Takes the claim of a dispatch; the runner's name at GitHub. */
export async function registerRunner(harness: Harness, token: string): Promise<string> {
  const response = await harness.claim(claimOf(harness, token), holderOf(token));
  if (response.status !== 201) throw new Error(`claim of ${token} answered ${String(response.status)}`);
  return ((await response.json()) as { runner_name: string }).runner_name;
}

/** The allocation that runs the child of a token. */
export function holderOf(token: string): string {
  return `alloc-${token.replace(":", "-")}`;
}

export interface StatusProblem {
  readonly source: string;
  readonly kind: string;
  readonly detail: string;
  readonly count: number;
}

/** What an operator reads. */
export interface StatusBody {
  readonly problems: readonly StatusProblem[];
  readonly last_sweep_at: string | null;
  readonly jobs: Readonly<Record<string, number>>;
  readonly runners: Readonly<Record<string, number>>;
}

export async function readStatus(harness: Harness): Promise<StatusBody> {
  const headers = { Authorization: `Bearer ${STATUS_TOKEN}` };
  const response = await harness.runtime.fetch("/status", { headers });
  if (response.status !== 200) throw new Error(`/status answered ${String(response.status)}`);
  return (await response.json()) as StatusBody;
}

/** Waits until something is so, and fails with its name when it does not come about. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  seconds = 5,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`within ${String(seconds)} s it never came about that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A promise that a test keeps by hand. */
export function gate<T>(): { readonly opened: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => undefined;
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** As {@link queueUnsent} for the jobs 1 to `count`, of which only the first is delivered: the others are its copies. */
export async function queueManyUnsent(harness: Harness, count: number): Promise<void> {
  await queueUnsent(harness, [{ id: 1 }]);
  const db = harness.runtime.db();
  const numbers = `WITH RECURSIVE n(id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM n WHERE id < ${String(count)})`;
  const copy = (table: string, own: Readonly<Record<string, string>>) =>
    harness
      .rows(`SELECT name FROM pragma_table_info('${table}')`)
      .then((columns) => columns.map(({ name }) => String(name)))
      .then((columns) =>
        db.prepare(
          `INSERT INTO ${table} (${columns.join(", ")}) ${numbers}
            SELECT ${columns.map((column) => own[column] ?? column).join(", ")} FROM ${table}, n`,
        ),
      );
  await db.batch([
    await copy("jobs", { job_id: "id" }),
    await copy("runners", { job_id: "id", name: "replace(name, '-1-1', '-' || id || '-1')" }),
  ]);
}
