import type { ChildFact } from "../evidence";
import { runnerRow, said } from "../evidence-support";
import { oneDispatch } from "./one-dispatch";

const claim = { scope: "octo-org/app", class: "linux", job: 1, ordinal: 1 };
const CHILD: ChildFact = {
  id: "a",
  parent: "github-runner-linux",
  token: "1:1",
  meta: {},
  claim,
  alive: true,
};
const known = { snapshot: { at: 0, jobs: [], runners: [runnerRow()], problems: [] } };
const told = (...children: readonly ChildFact[]) => said(oneDispatch, { ...known, children });

describe("the invariant that no ordinal has two dispatches", () => {
  test("holds for one child of each ordinal under its own token", () => {
    const warm = { ...CHILD, id: "w", token: "pool:octo-org/app:linux:1", claim: { ...claim, job: 0 } };
    expect(told(CHILD, warm)).toEqual([]);
  });

  test("finds a second child of an ordinal, whatever its token is", () => {
    expect(told(CHILD, { ...CHILD, id: "b", token: "1:2" })).toEqual([
      "ordinal 1:1 has two children: a and b",
      "child b of ordinal 1:1 has the token 1:2",
    ]);
  });

  test("finds a token of another form, a child without a claim, and one of another class's job", () => {
    expect(told({ ...CHILD, token: null })).toEqual(["child a of ordinal 1:1 has the token null"]);
    expect(told({ ...CHILD, claim: null })).toEqual(["child a carries no claim"]);
    expect(told({ ...CHILD, parent: "github-runner-small" })).toEqual([
      "child a of class linux was dispatched as github-runner-small",
    ]);
  });

  test("finds at the end a child that the ledger does not know", () => {
    const children = [{ ...CHILD, token: "2:1", claim: { ...claim, job: 2 } }];
    expect(said(oneDispatch, { ...known, children })).toEqual([
      "child a of ordinal 2:1 is not in the ledger",
    ]);
    expect(said(oneDispatch, { ...known, children, moment: "throughout" })).toEqual([]);
  });
});
