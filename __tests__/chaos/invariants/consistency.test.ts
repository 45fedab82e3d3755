import type { Grant } from "../evidence";
import { STACK, jobAtGithub, runnerRow, said } from "../evidence-support";
import { consistency } from "./consistency";

type Changes = Parameters<typeof runnerRow>[0];
const rows = (...changes: readonly Changes[]) =>
  said(consistency, {
    jobs: [jobAtGithub(1, "in_progress")],
    snapshot: { at: 0, jobs: [], runners: changes.map(runnerRow), problems: [] },
  });
const GRANT: Grant = {
  ...{ name: "r", scope: "octo-org/app", class: "small", warm: false, paused: false },
  ...{ waiting: 9, holders: 0, warmHolders: 0, ofClass: 5, ofRepository: 0 },
};

describe("the invariant that the ledger is consistent", () => {
  test("holds for runners in every state", () => {
    const over = { state: "ended", live: 0, ended_at: 5, end_reason: "done", taken_job_id: 1, busy_at: 1 };
    const second = { ordinal: 2, name: `${STACK}-linux-1-2` };
    expect(rows({}, { ...second, ...over })).toEqual([]);
    const warm = { name: `${STACK}-linux-warm-1`, job_id: 0, warm: 1 };
    expect(rows({ ...warm, state: "busy", busy_at: 1, taken_job_id: 1 })).toEqual([]);
  });

  test.each<[string, Changes]>([
    ["its state is asleep", { state: "asleep" }],
    ["it is requested and its live flag 0", { live: 0 }],
    ["it ended without a time or a reason", { state: "ended", live: 0 }],
    ["it is requested and ended as gone", { end_reason: "gone" }],
    ["attempts is -1", { attempts: -1 }],
    [`its name should be ${STACK}-linux-1-1`, { name: "another" }],
    ["it is a pool's and a job's at once", { warm: 1, name: `${STACK}-linux-warm-1` }],
    ["it took job 7, which GitHub never had", { taken_job_id: 7 }],
    ["it is busy since never", { state: "busy" }],
  ])("finds that %s", (what, changes) => {
    expect(rows(changes)).toContainEqual(expect.stringContaining(what));
  });

  test("finds two runners at work on one job, and a gap in a job's ordinals", () => {
    const busy = { state: "busy", busy_at: 1, taken_job_id: 1 };
    const second = { ordinal: 2, name: `${STACK}-linux-1-2` };
    expect(rows(busy, { ...busy, ...second })).toEqual([
      `job 1 runs on ${STACK}-linux-1-1 and on ${STACK}-linux-1-2`,
    ]);
    expect(rows(second)).toEqual(["job 1 has the ordinals 2"]);
  });

  test("finds too many kinds of problems, too long a detail and a count of none", () => {
    const problem = { source: "nomad", kind: "x", detail: "y", count: 1 };
    const told = (...problems: readonly (typeof problem)[]) =>
      said(consistency, { snapshot: { at: 0, jobs: [], runners: [], problems } });
    expect(told(problem)).toEqual([]);
    expect(told({ ...problem, count: 0 }, { ...problem, detail: "y".repeat(500) })).toHaveLength(2);
    expect(told(...Array.from({ length: 61 }, () => problem))).toEqual([
      "the ledger holds 61 kinds of problems",
    ]);
  });

  test("finds a grant and a send beyond a limit, and a grant in a pause", () => {
    const told = (changes: Partial<Grant>) => said(consistency, { grants: [{ ...GRANT, ...changes }] });
    expect(told({})).toEqual([]);
    expect(told({ ofClass: 6 })).toEqual(["r was granted as number 7 of at most 6 (maxRunners)"]);
    expect(told({ class: "shared", ofRepository: 2 })).toEqual([
      "r was granted as number 3 of at most 2 (maxRunnersPerRepository)",
    ]);
    expect(told({ paused: true })).toEqual(["r was granted in a pause"]);
    const lease = { name: "r", class: "small", ofClass: 6, ofRepository: 1 };
    expect(said(consistency, { leases: [lease] })).toEqual([]);
    expect(said(consistency, { leases: [{ ...lease, ofClass: 7 }] })).toEqual([
      "r was sent as number 7 of at most 6 (maxRunners)",
    ]);
  });
});
