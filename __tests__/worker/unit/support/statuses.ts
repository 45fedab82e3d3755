import type { Status } from "../../../../worker/status";

/** When the statuses of these tests are read. */
export const NOW = Date.UTC(2026, 10, 21, 12);

/** What an empty ledger shows. */
const NOTHING: Status["view"] = {
  loads: [],
  pools: [],
  jobs: {},
  runners: {},
  startMs: [],
  oldestWaitingAt: null,
  problems: [],
  sweptAt: null,
  pauses: [],
  cleanUp: {
    passAt: null,
    scope: null,
    removedAt: null,
    registrations: 0,
    runners: 0,
    github: null,
    ledger: null,
    strays: [],
  },
  recovery: { passAt: null, repositories: 0, nextAt: null, jobs: 0, foundAt: null, refused: "[]" },
  redelivery: { hooks: {}, denied: 0, roundAt: null, roundMs: null, pending: 0, asked: 0, givenUp: 0 },
};

/** The status of a Worker with nothing to tell but what is given. */
export const status = (view: Partial<Status["view"]> = {}, daysLeft: Status["daysLeft"] = {}): Status => ({
  version: "1.2.3",
  stack: "a1b2c3",
  pools: [],
  cleanUp: "delete",
  recovery: "on",
  redelivery: "on",
  now: NOW,
  view: { ...NOTHING, ...view },
  daysLeft,
});
