/**
 * The shapes of everything that comes from a webhook and goes on: into Nomad's meta (and from there into a process's
 * environment), into URLs, into the ledger. Nothing that fails its pattern is ever sent on.
 */

/** A shape that people write by hand: error texts say in words what is allowed. */
export interface WordedPattern {
  readonly pattern: RegExp;
  readonly words: string;
}

/** An account's login. GitHub allows 39 characters of letters, digits and single hyphens; enterprise-managed users
 *  carry `_shortcode`, so the underscore is allowed here.
 *  @see https://docs.github.com/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication */
export const OWNER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** A repository's name: at most 100 letters, digits, `.`, `-`, `_`, and not `.` or `..`. */
export const REPOSITORY = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;

/** `owner/name`. */
export const REPOSITORY_FULL_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;

/** `owner/name` where `*` stands for any run of characters within a segment. */
export const REPOSITORY_PATTERN: WordedPattern = {
  pattern: /^[A-Za-z0-9*][A-Za-z0-9_*-]{0,99}\/(?!\.{1,2}$)[A-Za-z0-9._*-]{1,100}$/,
  words: "owner/name, * allowed within either",
};

/** A GUID as GitHub sends it in `X-GitHub-Delivery`. */
export const DELIVERY_GUID = /^[0-9A-Za-z-]{1,64}$/;

/** A workflow job's name once cleaned: what a person may read in a log or a file name, nothing a shell, HCL or a
 *  template could act on. */
export const JOB_NAME = /^[A-Za-z0-9 ._,:+=()/@#-]{1,100}$/;

/** A runner class's name: part of runner names, so short. */
export const CLASS_NAME: WordedPattern = {
  pattern: /^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/,
  words: "lower-case letters, digits and inner hyphens, at most 24",
};

/** A Nomad job id as this system allows it: it stands in a URL path and in the tunnel's ingress expression. */
export const NOMAD_JOB_ID: WordedPattern = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  words: "letters, digits, ., - and _, at most 128",
};

/** A runner label. GitHub takes at most 256 characters; commas separate labels in its own tools. */
export const RUNNER_LABEL: WordedPattern = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._:/=+-]{0,255}$/,
  words: "letters, digits and ._:/=+-, at most 256",
};

/** A runner's name at GitHub: at most 64 characters. */
export const RUNNER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The opaque word a runner sends as `X-Runner-Holder`: an allocation id. */
export const HOLDER = /^[A-Za-z0-9-]{1,64}$/;

/** What a runner sends as `X-Runner-Exit`: an exit code, 0 to 255, without a leading zero. */
export const EXIT_CODE = /^(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])$/;

/** No shape here is longer, so nothing longer is even looked at. */
const MAX_FIELD_LENGTH = 256;

/** Whether `value` is a string of this shape. */
export function matches(field: RegExp, value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_FIELD_LENGTH && field.test(value);
}

/** Whether `value` can be a GitHub id: a positive integer that a double holds exactly. */
export function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/**
 * Makes a workflow job's name fit {@link JOB_NAME}: every other character becomes `_`, the rest is cut at 100. A name
 * is for people to read, so it is never a reason to refuse a job.
 * @param name anything; not a string, or empty, gives `_`
 */
export function cleanJobName(name: unknown): string {
  if (typeof name !== "string" || name === "") return "_";
  return name.slice(0, 100).replace(/[^A-Za-z0-9 ._,:+=()/@#-]/g, "_");
}
