/**
 * Pieces of SQL that several transitions share. They are written for the aliases `r` (runners), `j` (jobs) and `c`
 * (the runner's class), and the parameters `:now` (ms) and `:classes` (JSON, see `classesJson`).
 */

/** The policy's classes as a table. */
export const CLASSES = `cls(name, cap, pickup, hold, span) AS (
  SELECT value ->> 'name', value ->> 'cap', value ->> 'pickup', value ->> 'hold', value ->> 'span'
  FROM json_each(:classes))`;

/** A runner of a class that the policy no longer has is judged by these spans. */
const HOLD = "coalesce(c.hold, 360000)";

/** Live runners with their class. */
export const LIVE = "runners r LEFT JOIN cls c ON c.name = r.class WHERE r.live = 1";

/** A claim taken that has no job yet and is not too old to believe in. */
export const IS_HOLDER = `(r.state = 'claimed' AND r.claimed_at > :now - ${HOLD})`;

/** A runner that may still come for a waiting job. */
export const IS_ON_THE_WAY = `(r.state = 'requested'
  OR (r.state = 'dispatched' AND r.deadline_at > :now)
  OR ${IS_HOLDER})`;

/** A runner at work; one that GitHub would not let go of counts until its job completes. */
export const IS_BUSY = `(r.state = 'busy' OR (r.state = 'removing' AND r.busy_at IS NOT NULL AND r.taken_done = 0))`;

/** How many jobs of a target `t` wait, and how many runners are on the way to them. */
const WAITING_OF_T = `(SELECT count(*) FROM jobs j WHERE j.state = 'waiting' AND j.scope = t.scope AND j.class = t.class)`;
const ON_THE_WAY_OF_T = `(SELECT count(*) FROM ${LIVE} AND r.scope = t.scope AND r.class = t.class AND ${IS_ON_THE_WAY})`;

/** At most so many ordinals of one job that were never heard of at once; after these one per {@link UNHEARD_PACE_MS}. */
export const UNHEARD_AT_ONCE = 3;
export const UNHEARD_PACE_MS = 7_200_000;

/** Pace of replacements for runners whose end is known: 0, 10, 20, … s, at most 10 min. */
const REPLACEMENT_STEP_MS = 10_000;
const REPLACEMENT_MAX_MS = 600_000;

/**
 * Requests what is missing: for each target scope and class, waiting jobs minus runners on the way, one ordinal each
 * for the oldest waiting jobs whose pace allows another. Changes nothing when there is no shortage, so it may run
 * twice.
 * @param targets a `SELECT scope, class …`
 */
export function requestShortage(targets: string): string {
  return `INSERT OR IGNORE INTO runners
    (name, job_id, ordinal, scope, class, state, requested_at, next_attempt_at, op)
  WITH ${CLASSES},
  need AS (SELECT t.scope, t.class, ${WAITING_OF_T} - ${ON_THE_WAY_OF_T} AS n
    FROM (SELECT DISTINCT scope, class FROM (${targets})) t),
  waiting AS (SELECT j.scope, j.class, j.job_id, j.arrived_at, t.n,
      (SELECT coalesce(max(o.ordinal), 0) FROM runners o WHERE o.job_id = j.job_id) AS last,
      (SELECT count(*) FROM runners o
        WHERE o.job_id = j.job_id AND o.state = 'ended' AND o.end_reason <> 'unneeded') AS ended,
      (SELECT count(*) FROM runners o WHERE o.job_id = j.job_id AND o.state IN ('requested', 'dispatched')) AS unheard,
      (SELECT max(coalesce(o.dispatched_at, o.requested_at)) FROM runners o
        WHERE o.job_id = j.job_id AND o.state IN ('requested', 'dispatched')) AS asked_at
    FROM need t JOIN jobs j ON j.scope = t.scope AND j.class = t.class WHERE t.n > 0 AND j.state = 'waiting'),
  eligible AS (SELECT *, row_number() OVER (PARTITION BY scope, class ORDER BY arrived_at, job_id) AS turn
    FROM waiting WHERE unheard < ${String(UNHEARD_AT_ONCE)} OR asked_at <= :now - ${String(UNHEARD_PACE_MS)})
  SELECT :stack || '-' || class || '-' || job_id || '-' || (last + 1), job_id, last + 1, scope, class,
    'requested', :now,
    :now + min(${String(REPLACEMENT_MAX_MS)}, max(0, ended - 1) * ${String(REPLACEMENT_STEP_MS)}), :op
  FROM eligible WHERE turn <= n`;
}

/**
 * Takes back requests that nobody waits for any more, never one that is just being sent: those whose own job no longer
 * waits first, then the newest. A claim of such a runner (its dispatch may have got through with the answer lost) is
 * judged like any unused claim.
 * @param targets a `SELECT scope, class …`
 */
export function trimSurplus(targets: string): string {
  return `UPDATE runners SET state = 'ended', live = 0, end_reason = 'unneeded', ended_at = :now WHERE name IN (
  WITH ${CLASSES},
  surplus AS (SELECT t.scope, t.class, ${ON_THE_WAY_OF_T} - ${WAITING_OF_T} AS n
    FROM (SELECT DISTINCT scope, class FROM (${targets})) t),
  spare AS (SELECT r.name, s.n, row_number() OVER (PARTITION BY r.scope, r.class ORDER BY
      EXISTS (SELECT 1 FROM jobs j WHERE j.job_id = r.job_id AND j.state = 'waiting'), r.requested_at DESC) AS turn
    FROM surplus s JOIN runners r ON r.scope = s.scope AND r.class = s.class
    WHERE s.n > 0 AND r.live = 1 AND r.state = 'requested' AND r.leased_until <= :now)
  SELECT name FROM spare WHERE turn <= n)`;
}

/** States of a job that no runner has started. */
export const OPEN = "('checking', 'waiting', 'parked', 'expired', 'refused')";
