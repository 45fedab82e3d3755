import type { RunnerPool } from "../contracts/policy";

/** How many runners are kept ready, and for whom. */
export interface WarmPoolProps {
  /** Name of the runner class. */
  readonly className: string;
  /** `owner/name` of a repository in repository scope, or the login of an organization in organization scope. */
  readonly scope: string;
  /** How many are idle or starting at any time, from 1; all pools together keep at most 100. */
  readonly size: number;
}

/** The same, and when. */
export interface ScheduledPoolProps extends WarmPoolProps {
  /** The minutes in which the pool is kept, as five cron fields (minute, hour, day of month, month, day of week), such as
   *  `* 8-17 * * 1-5`: numbers, `*`, lists, ranges, steps. A day must fit both its day fields. */
  readonly window: string;
  /** IANA name of the time zone that `window` is read in, such as `Europe/Berlin`. */
  readonly timeZone: string;
}

/**
 * Runners of one class that are kept ready in one scope, so that a job need not wait until one has started. Each is still
 * used once: after its job the next one starts, and registers anew. They are in the ledger as all others are, so a warm
 * idle runner saves a dispatch.
 *
 * A ready runner takes its CPU and memory of the cluster all the time. GitHub removes an idle one after some minutes, so each
 * place costs a registration every few minutes, of 1,500 that a repository or an organization has in five.
 * @see https://docs.github.com/actions/reference/limits
 */
export class WarmPool {
  /** A pool that is kept at all times: a fixed number of static runners, clean for each job. */
  static always(props: WarmPoolProps): WarmPool {
    return new WarmPool(props, {});
  }

  /** A pool that is kept in a window of time; outside of it the ready runners leave when they have been idle, and runners
   *  start on demand. */
  static scheduled({ window, timeZone, ...props }: ScheduledPoolProps): WarmPool {
    return new WarmPool(props, { window, timeZone });
  }

  private constructor(
    /** How many, and for whom. */
    readonly props: WarmPoolProps,
    /** When; without a window always. */
    readonly when: Partial<Pick<RunnerPool, "window" | "timeZone">>,
  ) {}

  /** The pool as the Worker's policy has it. */
  get written(): object {
    const { className, scope, size } = this.props;
    return { scope, class: className, size, ...this.when };
  }
}
