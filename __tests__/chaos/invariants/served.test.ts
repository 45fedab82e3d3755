import { jobAtGithub, plannedJob, runnerRow, said } from "../evidence-support";
import { served } from "./served";

const waits = {
  planned: new Map([[1, plannedJob(true)]]),
  jobs: [jobAtGithub(1, "queued")],
};
const child = { id: "c", parent: "p", token: "1:1", meta: {}, alive: true };
const claim = { scope: "octo-org/app", class: "linux", job: 1, ordinal: 1 };
const rows = (changes: Parameters<typeof runnerRow>[0]) => ({
  snapshot: { at: 0, jobs: [], runners: [runnerRow(changes)], problems: [] },
});

describe("the invariant that every queued job is on its way to a runner", () => {
  test("says nothing while faults last", () => {
    expect(said(served, { ...waits, moment: "throughout" })).toEqual([]);
  });

  test("finds a job without a runner once faults are over for long enough", () => {
    expect(said(served, { ...waits, moment: "settled" })).toEqual([
      "job 1 waits at GitHub, and no runner of octo-org/app linux is on its way to it",
    ]);
  });

  test("counts a request, and a dispatch whose allocation runs", () => {
    expect(said(served, { ...waits, ...rows({}), moment: "settled" })).toEqual([]);
    const sent = { ...waits, ...rows({ state: "dispatched" }), moment: "settled" as const };
    expect(said(served, { ...sent, children: [{ ...child, claim }] })).toEqual([]);
    expect(said(served, { ...sent, children: [{ ...child, claim, alive: false }] })).toHaveLength(1);
  });

  test("counts one runner for one job", () => {
    const two = {
      planned: new Map([...waits.planned, [2, plannedJob(true)]]),
      jobs: [...waits.jobs, jobAtGithub(2, "queued")],
    };
    expect(said(served, { ...two, ...rows({}), moment: "settled" })).toEqual([
      expect.stringContaining("job 2 waits"),
    ]);
  });

  test("finds whatever is left at the end, and nothing of jobs that are refused", () => {
    expect(said(served, { left: ["job 1 is queued at GitHub"] })).toEqual([
      "at the end job 1 is queued at GitHub",
    ]);
    expect(said(served, { ...waits, planned: new Map([[1, plannedJob(false)]]), moment: "settled" })).toEqual(
      [],
    );
  });
});
