/** `GET` lists what is paused, `PUT` pauses everything, `DELETE` ends that; with `/<owner>/<name>` behind it `PUT` and
 *  `DELETE` are about one repository. Bearer `STATUS_TOKEN`. */
export const PAUSES_PATH = "/pauses";

/** Stands in place of a repository's name where everything is paused. No repository can have this name. */
export const EVERYTHING = "*";

/** One pause as `GET /pauses` and `/status` show it. */
export interface Paused {
  /** `owner/name`, or {@link EVERYTHING}. */
  readonly repo: string;
  /** When it was first asked for, ISO 8601. */
  readonly since: string;
}

/** 200 to a `GET`. */
export interface PausesAnswer {
  /** Sorted by repository; everything first. */
  readonly paused: readonly Paused[];
}
