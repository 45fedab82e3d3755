import { type Status, statusJson } from "../../../worker/status";
import { NOW, status } from "./support/statuses";

describe("redelivery", () => {
  const told = (changes: Partial<Status["view"]["redelivery"]>, redelivery: Status["redelivery"] = "on") => {
    const base = status();
    const view = { ...base.view, redelivery: { ...base.view.redelivery, ...changes } };
    return (statusJson({ ...base, view, redelivery }) as { redelivery: { mode: string; why: string | null } })
      .redelivery;
  };

  test.each([
    [
      "on while any hook of the stack is known",
      { hooks: { ours: 1, denied: 9 }, denied: 3 },
      "on",
      "on",
      null,
    ],
    ["off where the policy says so", { hooks: { ours: 1 } }, "off", "off", "policy"],
    ["off where no hook may be seen", { hooks: { denied: 1, foreign: 4 } }, "on", "off", "no_permission"],
    ["off where none may be looked for", { denied: 1 }, "on", "off", "no_permission"],
    ["off while none is known", { hooks: { foreign: 1, new: 1 } }, "on", "off", "no_hook_known"],
  ] as const)("is %s", (_, view, policyMode, mode, why) => {
    expect(told(view, policyMode)).toMatchObject({ mode, why });
  });

  test("tells its own last problem, and no other's", () => {
    const problem = { kind: "refused", count: 1, first_at: NOW, last_at: NOW };
    const problems = [
      { ...problem, source: "github", detail: "not this" },
      { ...problem, source: "redelivery", detail: "GET /repos/a/b/hooks/1: answered 403" },
    ];
    expect(statusJson(status({ problems }))).toMatchObject({
      redelivery: { last_problem: "GET /repos/a/b/hooks/1: answered 403" },
    });
  });
});
