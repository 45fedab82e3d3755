/**
 * Pieces of SQL that several transitions share, for the aliases `r` (runners), `j` (jobs) and the parameter `:now`.
 *
 * A runner's `until` is how long its state is believed in: for ever when requested, its pickup deadline when
 * dispatched, its idle timeout and a minute when its claim was taken, its maximum duration and ten minutes when busy.
 */

/** `until` of a request: it counts until it is sent or taken back. */
export const FOR_EVER = 9e15;

/** A claim taken that has no job yet and is not too old to believe in. */
export const IS_HOLDER = "(r.state = 'claimed' AND r.until > :now)";

/** A runner that may still come for a waiting job. */
export const IS_ON_THE_WAY = "(r.state IN ('requested', 'dispatched', 'claimed') AND r.until > :now)";

/** A runner at work; one that GitHub would not let go of counts until its job completes. */
export const IS_BUSY =
  "(r.state = 'busy' OR (r.state = 'removing' AND r.busy_at IS NOT NULL AND r.taken_done = 0))";

/** How many jobs of a target `t` wait, and how many runners are on the way to them. */
const WAITING_OF_T =
  "(SELECT count(*) FROM jobs j WHERE j.state = 'waiting' AND j.scope = t.scope AND j.class = t.class)";
const ON_THE_WAY_OF_T = `(SELECT count(*) FROM runners r
  WHERE r.live = 1 AND r.scope = t.scope AND r.class = t.class AND ${IS_ON_THE_WAY})`;

/** At most so many ordinals of one job that were never heard of at once; after these one per {@link UNHEARD_PACE_MS}, which
 *  makes six in nine hours, whatever the pickup deadline is. */
export const UNHEARD_AT_ONCE = 3;
export const UNHEARD_PACE_MS = 10_800_000;

/** Seconds that a replacement waits after so many runners of the job, the last of which ended without a claim. */
const PAUSES = "'[0,0,10,20,600,3600]'";
const LONGEST_PAUSE = 7200;

/** A new runner's columns; the values follow as a SELECT. */
export const INSERT_RUNNER = `INSERT OR IGNORE INTO runners
  (name, job_id, ordinal, scope, class, state, until, requested_at, next_attempt_at, op, warm)`;

/**
 * Requests what is missing: for each target scope and class, waiting jobs minus runners on the way, one ordinal each
 * for the oldest waiting jobs whose pace allows another. None has two unsent at once: the second of a job whose repository
 * is held back would stand for another repository's job, and wait with the first. Replacements of runners whose end is
 * known wait 0, 10, 20, … s, at most 10 min; where runners end that were never granted a claim, the image may be broken, and
 * from the fourth on they wait 10 min, 1 h, 2 h. Changes nothing when there is no shortage, so it may run twice.
 * @param targets a `SELECT scope, class …`
 */
export function requestShortage(targets: string): string {
  return `${INSERT_RUNNER}
  WITH need AS (SELECT t.scope, t.class, ${WAITING_OF_T} - ${ON_THE_WAY_OF_T} AS n
    FROM (SELECT DISTINCT scope, class FROM (${targets})) t),
  waiting AS (SELECT j.scope, j.class, j.job_id, j.arrived_at, t.n,
      coalesce(max(o.ordinal), 0) + 1 AS next,
      sum(o.state = 'ended' AND o.end_reason <> 'unneeded') AS ended,
      sum(o.end_reason = 'released' AND NOT o.jit_tried) AS unborn,
      sum(o.state = 'requested') AS unsent, sum(o.state IN ('requested', 'dispatched')) AS unheard,
      max(iif(o.state IN ('requested', 'dispatched'), coalesce(o.dispatched_at, o.requested_at), 0)) AS asked_at
    FROM need t JOIN jobs j INDEXED BY jobs_waiting ON j.scope = t.scope AND j.class = t.class
      LEFT JOIN runners o ON o.job_id = j.job_id
    WHERE t.n > 0 AND j.state = 'waiting' GROUP BY j.job_id),
  eligible AS (SELECT *, row_number() OVER (PARTITION BY scope, class ORDER BY arrived_at, job_id) AS turn
    FROM waiting WHERE coalesce(unsent, 0) = 0
      AND (coalesce(unheard, 0) < ${UNHEARD_AT_ONCE} OR asked_at <= :now - ${UNHEARD_PACE_MS}))
  SELECT :stack || '-' || class || '-' || job_id || '-' || next, job_id, next, scope, class, 'requested', ${FOR_EVER},
    :now, :now + 1000 * max(min(600, max(0, coalesce(ended, 0) - 1) * 10),
      iif(unborn, coalesce(${PAUSES} ->> (unborn + unheard), ${LONGEST_PAUSE}), 0)), :op, 0
  FROM eligible WHERE turn <= n`;
}

/**
 * Takes back requests that nobody waits for any more, never one that is just being sent: those whose own job no longer
 * waits first, then the newest. A claim of such a runner (its dispatch may have got through with the answer lost) is
 * judged like any unused claim. Those of pools are never taken back here, but they count: where a pool covers the jobs,
 * nothing else need come. Only a pool's request that was not sent either takes no waiting job's from it: it is younger, and
 * under a limit the job would lose its place in line.
 * @param targets a `SELECT scope, class …`
 */
export function trimSurplus(targets: string): string {
  return `UPDATE runners SET state = 'ended', live = 0, end_reason = 'unneeded', ended_at = :now WHERE name IN (
  WITH surplus AS (SELECT t.scope, t.class, ${ON_THE_WAY_OF_T} - ${WAITING_OF_T} AS n, (SELECT count(*) FROM runners r
      WHERE r.live = 1 AND r.scope = t.scope AND r.class = t.class AND r.warm = 1 AND r.state = 'requested') AS unsent
    FROM (SELECT DISTINCT scope, class FROM (${targets})) t),
  spare AS (SELECT r.name, r.scope, r.class, r.requested_at, s.n, s.unsent,
      EXISTS (SELECT 1 FROM jobs j WHERE j.job_id = r.job_id AND j.state = 'waiting') AS waits
    FROM surplus s JOIN runners r ON r.scope = s.scope AND r.class = s.class
    WHERE s.n > 0 AND r.live = 1 AND r.warm = 0 AND r.state = 'requested' AND r.leased_until <= :now),
  turns AS (SELECT *, row_number() OVER (PARTITION BY scope, class ORDER BY waits, requested_at DESC) AS turn FROM spare)
  SELECT name FROM turns WHERE turn <= n - iif(waits, unsent, 0))`;
}

/** Asks by itself for one runner, for jobs that have had none, unless a pool's runners are on the way and those on the
 *  way are as many as wait; `jobs` is a condition on the table. */
export function firstRunner(jobs: string): string {
  return `${INSERT_RUNNER}
  SELECT :stack || '-' || class || '-' || job_id || '-1', job_id, 1, scope, class, 'requested', ${FOR_EVER}, :now, :now, :op, 0
  FROM jobs t WHERE ${jobs} AND op = :op AND state = 'waiting'
    AND NOT EXISTS (SELECT 1 FROM runners r WHERE r.job_id = t.job_id)
    AND (${ON_THE_WAY_OF_T} < ${WAITING_OF_T}
      OR NOT EXISTS (SELECT 1 FROM runners r WHERE r.live = 1 AND r.scope = t.scope AND r.class = t.class
        AND r.warm = 1 AND ${IS_ON_THE_WAY}))`;
}

/** States of a job that no runner has started. */
export const OPEN = "('checking', 'waiting', 'parked', 'expired', 'refused')";
