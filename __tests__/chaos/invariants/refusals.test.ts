import type { ForgedAnswer } from "../evidence";
import { plannedJob, runnerRow, said } from "../evidence-support";
import { refusals } from "./refusals";

const answered = (kind: ForgedAnswer["kind"], status: number) =>
  said(refusals, { forged: [{ kind, what: "thing", status }] });
const child = { id: "c", parent: "p", token: "9:1", meta: {}, alive: true };
const claim = { scope: "octo-org/app", class: "linux", job: 9, ordinal: 1 };

describe("the invariant that forged deliveries and refused jobs get nothing", () => {
  test("wants 401 for a wrong signature, and no 202 or 500 for a hostile body", () => {
    expect(answered("unsigned", 401)).toEqual([]);
    expect(answered("hostile", 400)).toEqual([]);
    expect(answered("hostile", 200)).toEqual([]);
    expect(answered("replayed", 202)).toEqual([]);
    for (const status of [200, 202, 500]) expect(answered("unsigned", status)).toHaveLength(1);
    for (const status of [202, 500]) expect(answered("hostile", status)).toHaveLength(1);
  });

  test("finds a forged job in the ledger and at Nomad", () => {
    const snapshot = { at: 0, jobs: [{ job_id: 9 }], runners: [], problems: [] };
    const told = said(refusals, { forgedJobs: new Set([9]), snapshot, children: [{ ...child, claim }] });
    expect(told).toEqual([expect.stringContaining("in the ledger"), expect.stringContaining("at Nomad")]);
  });

  test("finds a runner for a job that the policy refuses", () => {
    const snapshot = { at: 0, jobs: [], runners: [runnerRow({ job_id: 9 })], problems: [] };
    const told = (isServed: boolean) =>
      said(refusals, { planned: new Map([[9, plannedJob(isServed)]]), snapshot });
    expect(told(true)).toEqual([]);
    expect(told(false)).toEqual(["job 9 gets no runner by the policy, and one was requested"]);
  });
});
