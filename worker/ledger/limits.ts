/**
 * Pieces of SQL about what holds a repository back: its pause, and its share of a class. Organization scope knows no
 * repository of a runner before a job is taken, so there these steer what is started; what GitHub then gives to it, they
 * do not.
 */

/** The repository of a scope; an organization has none (NULL). @param scope an expression */
export function repoOfScope(scope: string): string {
  return `iif(instr(${scope}, '/'), ${scope}, NULL)`;
}

/** The repository that a runner `r` counts for: that of the job it took, else of the job it was requested for; a pool's
 *  has that of its scope, and in organization scope none (NULL). */
export const REPO_OF_R = `coalesce((SELECT t.repo FROM jobs t WHERE t.job_id = r.taken_job_id),
  (SELECT t.repo FROM jobs t WHERE t.job_id = r.job_id), ${repoOfScope("r.scope")})`;

/** Whether a repository, or everything, is paused. @param repo an expression; NULL is paused with everything only */
export function isPaused(repo: string): string {
  return `EXISTS (SELECT 1 FROM pauses p WHERE p.repo IN ('*', ${repo}))`;
}
