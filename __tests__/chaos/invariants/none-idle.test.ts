import type { Grant } from "../evidence";
import { STACK, said } from "../evidence-support";
import { noneIdle } from "./none-idle";

const GRANT: Grant = {
  ...{ name: "r", scope: "octo-org/api", class: "linux", warm: false, paused: false },
  ...{ waiting: 1, holders: 0, warmHolders: 0, ofClass: 0, ofRepository: 0 },
};
const runner = (name: string, scope = "octo-org/app") => ({
  id: 1,
  name,
  scope,
  groupId: 1,
  labels: [],
  online: true,
  busy: false,
});

describe("the invariant that no runner is registered when nothing waits", () => {
  test("takes a grant while more jobs wait than claims are taken for", () => {
    expect(said(noneIdle, { grants: [GRANT] })).toEqual([]);
    expect(said(noneIdle, { grants: [{ ...GRANT, holders: 1 }] })).toEqual([
      "the claim of r was granted while 1 jobs waited and 1 claims were taken",
    ]);
  });

  test("takes a pool's grant while it has a place, and only where it is a pool's", () => {
    const warm = { ...GRANT, scope: "octo-org/app", warm: true, waiting: 0, warmHolders: 1 };
    expect(said(noneIdle, { grants: [warm] })).toEqual([]);
    expect(said(noneIdle, { grants: [{ ...warm, warmHolders: 2 }] })).toHaveLength(1);
    expect(said(noneIdle, { grants: [{ ...warm, warm: false }] })).toHaveLength(1);
  });

  test("finds at the end what GitHub still has of ours beyond the pools", () => {
    const warm = [1, 2].map((turn) => runner(`${STACK}-linux-warm-${String(turn)}`));
    expect(said(noneIdle, { registered: [...warm, runner("somebody-else")] })).toEqual([]);
    expect(said(noneIdle, { registered: [...warm, runner(`${STACK}-linux-warm-3`)] })).toEqual([
      "the pool of octo-org/app has 3 runners instead of 2",
    ]);
    expect(said(noneIdle, { registered: [runner(`${STACK}-linux-1-1`)] })).toEqual([
      `GitHub still has runner ${STACK}-linux-1-1 though nothing waits`,
    ]);
    expect(said(noneIdle, { moment: "throughout", registered: [runner(`${STACK}-linux-1-1`)] })).toEqual([]);
  });

  test("finds a claim that was granted when everything was over, but for a pool's place", () => {
    const late = (runnerName: string, status: number) =>
      said(noneIdle, { lateClaims: [{ runner: runnerName, status }] });
    expect(late("j1:1", 410)).toEqual([]);
    expect(late("pool:octo-org/app:linux:1", 201)).toEqual([]);
    expect(late("j1:1", 201)).toEqual(["the claim of j1:1 was granted when everything was over"]);
  });
});
