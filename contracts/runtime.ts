/**
 * How the Worker runs, declared once: the construct that uploads it and the local workerd take it from here, so what
 * is tried on a laptop is what is deployed.
 */

/** The Workers runtime's behaviour is frozen at this date.
 *  @see https://developers.cloudflare.com/workers/configuration/compatibility-dates/ */
export const COMPATIBILITY_DATE = "2026-04-01";

/** Without this flag a Worker's fetch to a host of its own zone goes past Cloudflare's front end, and so past Access.
 *  No compatibility date turns it on.
 *  @see https://developers.cloudflare.com/workers/configuration/compatibility-flags/#global-fetch-strictly-public */
export const COMPATIBILITY_FLAGS = ["global_fetch_strictly_public"] as const;

/** When the sweep runs: every minute. */
export const SWEEP_CRON = "* * * * *";
