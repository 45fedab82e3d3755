import type { Move } from "../evidence";
import { said } from "../evidence-support";
import { neverBack } from "./never-back";

const moved = (of: Move["of"], was: string | null, is: string) =>
  said(neverBack, { moves: [{ of, name: "1", was, is, at: 0 }] });

describe("the invariant that no state goes back", () => {
  test.each([
    [null, "waiting"],
    [null, "completed"],
    ["checking", "waiting"],
    ["parked", "waiting"],
    ["waiting", "expired"],
    ["waiting", "in_progress"],
    ["refused", "in_progress"],
    ["in_progress", "completed"],
    ["waiting", "completed"],
  ])("lets a job go from %p to %p", (was, is) => {
    expect(moved("job", was, is)).toEqual([]);
  });

  test.each([
    ["completed", "in_progress"],
    ["completed", "waiting"],
    ["in_progress", "waiting"],
    ["in_progress", "parked"],
    ["refused", "waiting"],
    ["waiting", "dreaming"],
  ])("finds a job that goes from %p to %p", (was, is) => {
    expect(moved("job", was, is)).toHaveLength(1);
  });

  test("finds a runner that ended and lives again, unless it was only taken back", () => {
    expect(moved("runner", "ended unneeded", "claimed")).toEqual([]);
    expect(moved("runner", "claimed", "dispatched")).toEqual([]);
    expect(moved("runner", "ended done", "busy")).toEqual(["runner 1 was ended done and is busy again"]);
  });
});
