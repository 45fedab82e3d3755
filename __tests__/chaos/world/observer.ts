import type { Row } from "../../../local/worker/database";
import type { Grant, Lease, Move, Snapshot } from "../evidence";
import { TABLES } from "./ageing";
import type { WorkerHost } from "./worker-host";

/** Milliseconds of the leases that the Worker takes: what `now` was when one began. */
const LEASE_MS = 30_000;

const NOW = "CAST(unixepoch('subsec') * 1000 AS INT)";
const STATE = "iif(%.state = 'ended', 'ended ' || %.end_reason, %.state)";
const stateOf = (row: string): string => STATE.replaceAll("%", row);

/** A runner's repository: that of the job it took, of the job it is for, or of its scope. */
const repositoryOf = (
  row: string,
): string => `coalesce((SELECT t.repo FROM jobs t WHERE t.job_id = ${row}.taken_job_id),
  (SELECT t.repo FROM jobs t WHERE t.job_id = ${row}.job_id), iif(instr(${row}.scope, '/'), ${row}.scope, NULL))`;

const AT_WORK = "(r.state = 'busy' OR (r.state = 'removing' AND r.busy_at IS NOT NULL AND r.taken_done = 0))";

/** @param others which runners `r` count. @param same which of them are in the repository of NEW */
const places = (
  others: string,
): string => `(SELECT count(*) FROM runners r WHERE r.class = NEW.class AND r.live = 1 AND ${others}),
  (SELECT count(*) FROM runners r WHERE r.class = NEW.class AND r.live = 1 AND ${others}
    AND ${repositoryOf("r")} = ${repositoryOf("NEW")} COLLATE NOCASE)`;

const HOLDS = "r.state = 'claimed' AND r.until > NEW.claimed_at AND r.name <> NEW.name";
const PLACED = `(${AT_WORK} OR (r.state IN ('dispatched', 'claimed') AND r.until > NEW.leased_until - ${String(LEASE_MS)})
  OR (r.state = 'requested' AND r.leased_until > NEW.leased_until - ${String(LEASE_MS)}))`;

/**
 * Triggers that write down what the Worker's own transactions do, inside of them: no change of state goes unseen, and
 * what was counted for a grant is counted at that very moment. The rules are said anew here, not taken from the Worker.
 */
const INSTALL: readonly string[] = [
  "CREATE TABLE chaos_moves (seq INTEGER PRIMARY KEY, kind TEXT, name TEXT, was TEXT, now TEXT, at INT)",
  "CREATE TABLE chaos_grants (seq INTEGER PRIMARY KEY, name TEXT, scope TEXT, class TEXT, warm INT, paused INT, waiting INT, holders INT, warm_holders INT, of_class INT, of_repository INT)",
  "CREATE TABLE chaos_leases (seq INTEGER PRIMARY KEY, name TEXT, class TEXT, of_class INT, of_repository INT)",
  `CREATE TRIGGER chaos_job_new AFTER INSERT ON jobs BEGIN
    INSERT INTO chaos_moves (kind, name, was, now, at) VALUES ('job', NEW.job_id, NULL, NEW.state, ${NOW}); END`,
  `CREATE TRIGGER chaos_job_moved AFTER UPDATE OF state ON jobs WHEN OLD.state <> NEW.state BEGIN
    INSERT INTO chaos_moves (kind, name, was, now, at) VALUES ('job', NEW.job_id, OLD.state, NEW.state, ${NOW}); END`,
  `CREATE TRIGGER chaos_runner_new AFTER INSERT ON runners BEGIN
    INSERT INTO chaos_moves (kind, name, was, now, at) VALUES ('runner', NEW.name, NULL, NEW.state, ${NOW}); END`,
  `CREATE TRIGGER chaos_runner_moved AFTER UPDATE OF state ON runners WHEN OLD.state <> NEW.state BEGIN
    INSERT INTO chaos_moves (kind, name, was, now, at)
    VALUES ('runner', NEW.name, ${stateOf("OLD")}, ${stateOf("NEW")}, ${NOW}); END`,
  `CREATE TRIGGER chaos_granted AFTER UPDATE OF state ON runners WHEN OLD.state <> 'claimed' AND NEW.state = 'claimed' BEGIN
    INSERT INTO chaos_grants (name, scope, class, warm, paused, waiting, holders, warm_holders, of_class, of_repository)
    SELECT NEW.name, NEW.scope, NEW.class, NEW.warm,
      EXISTS (SELECT 1 FROM pauses p WHERE p.repo IN ('*', ${repositoryOf("NEW")})),
      (SELECT count(*) FROM jobs j WHERE j.state = 'waiting' AND j.scope = NEW.scope AND j.class = NEW.class),
      (SELECT count(*) FROM runners r WHERE r.scope = NEW.scope AND r.class = NEW.class AND ${HOLDS}),
      (SELECT count(*) FROM runners r WHERE r.scope = NEW.scope AND r.class = NEW.class AND r.warm = 1 AND ${HOLDS}),
      ${places(`r.name <> NEW.name AND (${AT_WORK} OR (${HOLDS}))`)}; END`,
  `CREATE TRIGGER chaos_leased AFTER UPDATE OF leased_until ON runners
    WHEN NEW.state = 'requested' AND NEW.leased_until > OLD.leased_until BEGIN
    INSERT INTO chaos_leases (name, class, of_class, of_repository) SELECT NEW.name, NEW.class, ${places(PLACED)}; END`,
];

/** What the ledger told so far. */
export class Observer {
  readonly moves: Move[] = [];
  readonly grants: Grant[] = [];
  readonly leases: Lease[] = [];
  snapshot: Snapshot = { at: 0, jobs: [], runners: [], problems: [] };
  readonly #host: WorkerHost;
  #seen = { moves: 0, grants: 0, leases: 0 };

  constructor(host: WorkerHost) {
    this.#host = host;
  }

  /** To be called once, when the ledger has its tables. */
  async install(): Promise<void> {
    await this.#host.transaction(INSTALL);
  }

  /** Reads what is new, all at one moment of the ledger. */
  async look(): Promise<void> {
    const after = this.#seen;
    const [moves = [], grants = [], leases = [], jobs = [], runners = [], problems = []] =
      await this.#host.transaction([
        `SELECT * FROM chaos_moves WHERE seq > ${String(after.moves)} ORDER BY seq`,
        `SELECT * FROM chaos_grants WHERE seq > ${String(after.grants)} ORDER BY seq`,
        `SELECT * FROM chaos_leases WHERE seq > ${String(after.leases)} ORDER BY seq`,
        "SELECT * FROM jobs",
        "SELECT * FROM runners",
        "SELECT * FROM problems",
      ]);
    this.moves.push(...moves.map(moveOf));
    this.grants.push(...grants.map(grantOf));
    this.leases.push(...leases.map(leaseOf));
    this.#seen = {
      moves: after.moves + moves.length,
      grants: after.grants + grants.length,
      leases: after.leases + leases.length,
    };
    this.snapshot = { at: Date.now(), jobs, runners, problems };
  }

  /** Every row of every table, as text. */
  async dump(): Promise<string> {
    const [tables = []] = await this.#host.transaction([TABLES]);
    const rows = await this.#host.transaction(tables.map(({ name }) => `SELECT * FROM "${String(name)}"`));
    return JSON.stringify(rows);
  }
}

function moveOf(row: Row): Move {
  const was = row["was"] === null ? null : String(row["was"]);
  return {
    of: row["kind"] === "job" ? "job" : "runner",
    name: String(row["name"]),
    was,
    is: String(row["now"]),
    at: Number(row["at"]),
  };
}

function grantOf(row: Row): Grant {
  return {
    name: String(row["name"]),
    scope: String(row["scope"]),
    class: String(row["class"]),
    warm: row["warm"] === 1,
    paused: row["paused"] === 1,
    waiting: Number(row["waiting"]),
    holders: Number(row["holders"]),
    warmHolders: Number(row["warm_holders"]),
    ofClass: Number(row["of_class"]),
    ofRepository: Number(row["of_repository"]),
  };
}

function leaseOf(row: Row): Lease {
  return {
    name: String(row["name"]),
    class: String(row["class"]),
    ofClass: Number(row["of_class"]),
    ofRepository: Number(row["of_repository"]),
  };
}
