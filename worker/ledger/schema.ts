import type { LedgerContext } from "./context";
import { LEDGER_TIMEOUT_MS, within } from "./statement";

/**
 * The ledger's tables. Version n is made by the n-th list below, one batch each, and only ever adds: the Worker
 * before this one must run on the new tables while a deploy is under way or rolled back.
 *
 * Each batch begins by taking its version's row. Of two Workers that upgrade at once the second fails on that row,
 * its batch rolls back, and it reads the version again.
 */
const VERSIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE ledger_version (version INTEGER PRIMARY KEY, applied_at INT NOT NULL)`,
    `CREATE TABLE jobs (
      job_id INTEGER PRIMARY KEY,
      scope TEXT NOT NULL COLLATE NOCASE,
      class TEXT NOT NULL,
      repo TEXT NOT NULL,
      run_id INT NOT NULL,
      name TEXT NOT NULL,
      fork INT NOT NULL,
      state TEXT NOT NULL,
      delivery TEXT,
      arrived_at INT NOT NULL,
      queued_at INT NOT NULL,
      started_at INT,
      completed_at INT,
      conclusion TEXT,
      runner_name TEXT,
      looks INT NOT NULL DEFAULT 0,
      next_look_at INT NOT NULL DEFAULT 0,
      updated_at INT NOT NULL,
      op TEXT NOT NULL
    )`,
    `CREATE TABLE runners (
      name TEXT PRIMARY KEY,
      job_id INT NOT NULL,
      ordinal INT NOT NULL,
      scope TEXT NOT NULL COLLATE NOCASE,
      class TEXT NOT NULL,
      state TEXT NOT NULL,
      live INT NOT NULL DEFAULT 1,
      until INT NOT NULL,
      span INT NOT NULL DEFAULT 0,
      requested_at INT NOT NULL,
      next_attempt_at INT NOT NULL,
      leased_until INT NOT NULL DEFAULT 0,
      attempts INT NOT NULL DEFAULT 0,
      error TEXT,
      dispatched_at INT,
      claimed_at INT,
      holder TEXT,
      jit_tried INT NOT NULL DEFAULT 0,
      registration_id INT,
      taken_job_id INT,
      taken_done INT NOT NULL DEFAULT 0,
      busy_at INT,
      looks INT NOT NULL DEFAULT 0,
      next_look_at INT NOT NULL DEFAULT 0,
      ended_at INT,
      end_reason TEXT,
      op TEXT NOT NULL,
      UNIQUE (job_id, ordinal)
    )`,
    `CREATE TABLE problems (
      source TEXT NOT NULL,
      kind TEXT NOT NULL,
      detail TEXT NOT NULL,
      count INT NOT NULL,
      first_at INT NOT NULL,
      last_at INT NOT NULL,
      PRIMARY KEY (source, kind)
    )`,
    `CREATE TABLE marks (name TEXT PRIMARY KEY, at INT NOT NULL, value TEXT NOT NULL)`,
    // The cost of a delivery must not grow with history: what the transitions count is in these partial indexes.
    `CREATE INDEX jobs_waiting ON jobs (class, scope, arrived_at) WHERE state = 'waiting'`,
    `CREATE INDEX jobs_open ON jobs (next_look_at) WHERE state IN ('checking', 'waiting')`,
    `CREATE INDEX jobs_updated ON jobs (updated_at)`,
    `CREATE INDEX runners_live ON runners (class, scope) WHERE live = 1`,
    `CREATE INDEX runners_requested ON runners (class, requested_at) WHERE state = 'requested'`,
    `CREATE INDEX runners_taken ON runners (taken_job_id) WHERE taken_job_id IS NOT NULL`,
    `CREATE INDEX runners_ended ON runners (ended_at) WHERE live = 0`,
    `INSERT INTO ledger_version (version, applied_at) VALUES (1, unixepoch() * 1000)`,
  ],
  [
    `INSERT INTO ledger_version (version, applied_at) VALUES (2, unixepoch() * 1000)`,
    // 1: one of a pool. Its job_id is 0, and its ordinal counts all runners of pools.
    `ALTER TABLE runners ADD COLUMN warm INT NOT NULL DEFAULT 0`,
    // repo '*': everything is paused.
    `CREATE TABLE pauses (repo TEXT PRIMARY KEY COLLATE NOCASE, since INT NOT NULL)`,
    // What GitHub and the ledger do not agree on. side: who has it. op: the runner's stamp where that is the ledger.
    `CREATE TABLE strays (
      name TEXT PRIMARY KEY,
      scope TEXT NOT NULL COLLATE NOCASE,
      side TEXT NOT NULL,
      registration_id INT,
      op TEXT NOT NULL,
      sightings INT NOT NULL,
      first_at INT NOT NULL,
      last_at INT NOT NULL,
      next_look_at INT NOT NULL DEFAULT 0
    )`,
    // Whose registrations are compared, and when next. A pass over many pages goes on in the next sweep: from page, with
    // the names that were seen since started_at.
    `CREATE TABLE scopes (
      scope TEXT PRIMARY KEY COLLATE NOCASE,
      active_at INT NOT NULL,
      next_at INT NOT NULL,
      page INT NOT NULL DEFAULT 1,
      started_at INT NOT NULL DEFAULT 0,
      seen TEXT NOT NULL DEFAULT '[]'
    )`,
  ],
  [
    `INSERT INTO ledger_version (version, applied_at) VALUES (3, unixepoch() * 1000)`,
    // Webhooks that may be this stack's. state: new, ours, foreign, denied, gone. cursor: the list of failed deliveries is
    // read on from there; empty: from its newest. top: the newest of the list that is being read. seen: that of the last.
    `CREATE TABLE hooks (
      id INTEGER PRIMARY KEY,
      target TEXT NOT NULL COLLATE NOCASE,
      state TEXT NOT NULL,
      check_at INT NOT NULL DEFAULT 0,
      etag TEXT,
      cursor TEXT,
      page INT NOT NULL DEFAULT 1,
      top INT NOT NULL DEFAULT 0,
      seen INT NOT NULL DEFAULT 0
    )`,
    // Repositories and organizations whose hooks are looked through, so that one is found whose every delivery failed.
    `CREATE TABLE hook_targets (target TEXT PRIMARY KEY COLLATE NOCASE, next_at INT NOT NULL, denied INT NOT NULL DEFAULT 0)`,
    // Deliveries that failed, by GUID. delivery_id: the newest attempt; asked_id: the one GitHub was last asked to repeat.
    `CREATE TABLE redeliveries (
      hook_id INT NOT NULL,
      guid TEXT NOT NULL,
      delivery_id INT NOT NULL,
      asked_id INT NOT NULL DEFAULT 0,
      queued INT NOT NULL,
      state TEXT NOT NULL DEFAULT 'open',
      tries INT NOT NULL DEFAULT 0,
      next_at INT NOT NULL DEFAULT 0,
      failed_at INT NOT NULL,
      op TEXT,
      PRIMARY KEY (hook_id, guid)
    ) WITHOUT ROWID`,
    `CREATE INDEX redeliveries_due ON redeliveries (next_at) WHERE state = 'open' AND delivery_id > asked_id`,
    // Repositories in which queued jobs are looked for. active_at: the ledger's last news of one of its jobs, to half a day.
    // steps: what is left of a visit that did not fit. traits: what GitHub last said of it. visits: how many came to their
    // end. refused: it tells nothing.
    `CREATE TABLE repos (
      repo TEXT PRIMARY KEY COLLATE NOCASE,
      active_at INT NOT NULL,
      next_at INT NOT NULL,
      steps TEXT NOT NULL DEFAULT '[]',
      traits INT NOT NULL DEFAULT 0,
      visits INT NOT NULL DEFAULT 0,
      refused INT NOT NULL DEFAULT 0
    )`,
    `CREATE INDEX repos_next ON repos (next_at) WHERE steps = '[]'`,
    `CREATE INDEX repos_left ON repos (next_at) WHERE steps <> '[]'`,
  ],
];

/** How many schema versions this Worker knows. */
export const SCHEMA_VERSION = VERSIONS.length;

/**
 * Brings the tables to this Worker's version; a newer ledger is left as it is.
 * @throws LedgerUnavailable when that cannot be done now
 */
export async function upgrade(ledger: LedgerContext, versions = VERSIONS): Promise<void> {
  await within(LEDGER_TIMEOUT_MS, async () => {
    // Each round either finds the work done, does one version, or lost it to another Worker.
    for (let round = 0; round <= 2 * versions.length; round++) {
      const version = await readVersion(ledger);
      const next = versions[version];
      if (next === undefined) return;
      try {
        ledger.onStatements?.(next.length);
        await ledger.db.batch(next.map((sql) => ledger.db.prepare(sql)));
      } catch (error) {
        if ((await readVersion(ledger)) === version) throw error;
      }
    }
  });
}

async function readVersion(ledger: LedgerContext): Promise<number> {
  ledger.onStatements?.(1);
  try {
    const row = await ledger.db
      .prepare("SELECT max(version) AS version FROM ledger_version")
      .first<{ version: number | null }>();
    return row?.version ?? 0;
  } catch (error) {
    if (error instanceof Error && error.message.includes("no such table")) return 0;
    throw error;
  }
}
