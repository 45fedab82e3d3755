import { metricsText } from "../../../worker/metrics";
import { quantile, readStatus, statusJson } from "../../../worker/status";
import type { App } from "../../../worker/app";
import { policy } from "./support/policies";
import { NOW, status } from "./support/statuses";

const DAY = 24 * 3600 * 1000;

const FULL = status(
  {
    loads: [{ scope: "octo-org/example", class: "linux", waiting: 3, on_the_way: 2, holders: 1, busy: 4 }],
    jobs: { waiting: 3, completed: 9 },
    runners: { busy: 4, ended_done: 9 },
    startMs: [1000, 2000, 3000, 4000],
    oldestWaitingAt: NOW - 90_500,
    problems: [
      {
        source: "nomad",
        kind: "permanent",
        detail: "parameterized job not found",
        count: 7,
        first_at: NOW - DAY,
        last_at: NOW - 1000,
      },
    ],
    sweptAt: NOW - 30_000,
    cleanUp: {
      passAt: NOW - 60_000,
      scope: "octo-org/example",
      removedAt: NOW - DAY,
      registrations: 5,
      runners: 2,
      github: 1,
      ledger: 0,
      strays: [
        {
          name: "a1b2c3-linux-1-1",
          scope: "octo-org/example",
          side: "github",
          sightings: 1,
          first_at: NOW - 60_000,
        },
      ],
    },
    recovery: {
      passAt: NOW - 20_000,
      repositories: 167,
      nextAt: NOW - 600_000,
      jobs: 3,
      foundAt: NOW - DAY,
      refused: '["octo-org"]',
    },
    redelivery: {
      hooks: { ours: 166, denied: 1 },
      denied: 0,
      roundAt: NOW - 120_000,
      roundMs: 540_000,
      pending: 4,
      asked: 9,
      givenUp: 2,
    },
  },
  { access: 12, nomad: null, old: -3 },
);

const lines = (text: string): string[] =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

describe("/metrics", () => {
  test("is one gauge family each, with its type before its samples, and ends with a line break", () => {
    const text = metricsText(FULL);
    expect(text.endsWith("\n")).toBe(true);
    const types = text.split("\n").filter((line) => line.startsWith("# TYPE"));
    expect(new Set(types).size).toBe(types.length);
    let name = "";
    for (const line of text.trimEnd().split("\n")) {
      const type = /^# TYPE (runners_[a-z_]+) gauge$/.exec(line);
      if (type !== null) name = type[1] ?? "";
      else expect(line).toMatch(new RegExp(`^${name}(\\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\\})? -?[0-9.]+$`));
    }
  });

  test("tells what the ledger holds", () => {
    expect(lines(metricsText(FULL))).toEqual([
      'runners_build_info{version="1.2.3"} 1',
      'runners_waiting{scope="octo-org/example",class="linux"} 3',
      'runners_on_the_way{scope="octo-org/example",class="linux"} 2',
      'runners_holders{scope="octo-org/example",class="linux"} 1',
      'runners_busy{scope="octo-org/example",class="linux"} 4',
      'runners_ledger_jobs{state="waiting"} 3',
      'runners_ledger_jobs{state="completed"} 9',
      'runners_ledger_runners{state="busy"} 4',
      'runners_ledger_runners{state="ended_done"} 9',
      'runners_queued_to_running_seconds{quantile="0.5"} 3',
      'runners_queued_to_running_seconds{quantile="0.95"} 4',
      "runners_oldest_waiting_seconds 90.5",
      "runners_since_sweep_seconds 30",
      "runners_since_clean_up_seconds 60",
      'runners_strays{side="github"} 1',
      'runners_strays{side="ledger"} 0',
      'runners_cleaned_up{what="registrations"} 5',
      'runners_cleaned_up{what="runners"} 2',
      "runners_recovery_repositories 167",
      "runners_recovery_behind_seconds 600",
      "runners_recovered_jobs 3",
      "runners_since_recovery_seconds 20",
      'runners_hooks{state="ours"} 166',
      'runners_hooks{state="denied"} 1',
      'runners_redeliveries{what="pending"} 4',
      'runners_redeliveries{what="asked"} 9',
      'runners_redeliveries{what="given_up"} 2',
      "runners_redelivery_round_seconds 540",
      "runners_since_redelivery_round_seconds 120",
      'runners_problems{source="nomad",kind="permanent"} 7',
      'runners_credential_days_left{credential="access"} 12',
      'runners_credential_days_left{credential="old"} -3',
    ]);
  });

  test("leaves out what nobody knows, instead of calling it 0", () => {
    expect(lines(metricsText(status({}, { nomad: null })))).toEqual([
      'runners_build_info{version="1.2.3"} 1',
      'runners_cleaned_up{what="registrations"} 0',
      'runners_cleaned_up{what="runners"} 0',
      "runners_recovery_repositories 0",
      "runners_recovery_behind_seconds 0",
      "runners_recovered_jobs 0",
      'runners_redeliveries{what="pending"} 0',
      'runners_redeliveries{what="asked"} 0',
      'runners_redeliveries{what="given_up"} 0',
    ]);
  });

  test("escapes what would end a label", () => {
    const text = metricsText({ ...status(), version: 'a"b\\c\nd' });
    expect(text).toContain('runners_build_info{version="a\\"b\\\\c\\nd"} 1\n');
  });
});

describe("/status", () => {
  test("tells the same as JSON, with times that a person can read", () => {
    expect(statusJson(FULL)).toMatchObject({
      version: "1.2.3",
      stack_id: "a1b2c3",
      scopes: [{ scope: "octo-org/example", class: "linux", waiting: 3 }],
      queued_to_running_ms: { count: 4, p50: 3000, p95: 4000 },
      oldest_waiting_seconds: 91,
      problems: [
        {
          source: "nomad",
          kind: "permanent",
          detail: "parameterized job not found",
          count: 7,
          first_at: "2026-11-20T12:00:00.000Z",
          last_at: "2026-11-21T11:59:59.000Z",
        },
      ],
      last_sweep_at: "2026-11-21T11:59:30.000Z",
      clean_up: {
        mode: "delete",
        last_pass_at: "2026-11-21T11:59:00.000Z",
        scope: "octo-org/example",
        strays: [
          {
            name: "a1b2c3-linux-1-1",
            scope: "octo-org/example",
            side: "github",
            sightings: 1,
            first_at: "2026-11-21T11:59:00.000Z",
          },
        ],
        removed: { registrations: 5, runners: 2, last_at: "2026-11-20T12:00:00.000Z" },
      },
      recovery: {
        mode: "on",
        last_pass_at: "2026-11-21T11:59:40.000Z",
        repositories: 167,
        behind_seconds: 600,
        found: { jobs: 3, last_at: "2026-11-20T12:00:00.000Z" },
        refused: ["octo-org"],
      },
      credential_days_left: { access: 12, nomad: null, old: -3 },
      redelivery: {
        mode: "on",
        why: null,
        hooks: { ours: 166, denied: 1 },
        last_round_at: "2026-11-21T11:58:00.000Z",
        last_round_seconds: 540,
        pending: 4,
        asked: 9,
        given_up: 2,
        last_problem: null,
      },
    });
  });

  test("of an empty ledger has null where there is nothing to tell", () => {
    expect(statusJson(status())).toMatchObject({
      queued_to_running_ms: { count: 0, p50: null, p95: null },
      oldest_waiting_seconds: null,
      problems: [],
      last_sweep_at: null,
      clean_up: { last_pass_at: null, scope: null, strays: [], removed: { last_at: null } },
      recovery: { last_pass_at: null, repositories: 0, behind_seconds: 0, found: { jobs: 0, last_at: null } },
      credential_days_left: {},
    });
  });
});

describe("a credential's end", () => {
  const NO_ROWS = [
    ...Array.from({ length: 14 }, () => ({ results: [] })),
    { results: [{ repositories: 0, nextAt: null, refused: "[]" }] },
  ];

  test.each([
    ["whole days that are left", new Date(NOW + 3.9 * DAY).toISOString(), 3],
    ["none on its last day", new Date(NOW + 3600_000).toISOString(), 0],
    ["negative days when it is over", new Date(NOW - 3600_000).toISOString(), -1],
    ["nothing when it has no end", null, null],
    ["nothing when its end is no time", "next year", null],
  ])("is told as %s", async (_, end, days) => {
    const app = {
      now: () => NOW,
      config: { credentialExpiry: { access: end }, policy: policy() },
      ledger: {
        db: { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.resolve(NO_ROWS) },
        policy: policy(),
        stackId: "a1b2c3",
        now: () => NOW,
        newOp: () => "op",
      },
    } as unknown as App;
    const read = await readStatus(app, "1.2.3");
    expect(read).toMatchObject({ version: "1.2.3", stack: "a1b2c3", now: NOW, daysLeft: { access: days } });
  });
});

describe("a quantile", () => {
  test.each([
    [[], 0.5, null],
    [[7], 0.95, 7],
    [[1, 2], 0.5, 2],
    [[1, 2, 3], 0.5, 2],
    [[1, 2, 3], 1, 3],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.95, 10],
  ])("of %p at %p is %p", (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });
});
