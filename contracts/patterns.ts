/**
 * The shapes of everything that comes from a webhook and goes on: into Nomad's meta (and from there into a process's
 * environment), into URLs, into the ledger. Nothing that fails its pattern is ever sent on.
 */

/** A field's shape. `maxLength` is in UTF-16 units and checked before the expression runs. */
export interface FieldPattern {
  readonly pattern: RegExp;
  readonly maxLength: number;
  /** For error texts: what is allowed, in words. */
  readonly words: string;
}

/** An account's login. GitHub allows 39 characters of letters, digits and single hyphens; enterprise-managed users
 *  carry `_shortcode`, so the underscore is allowed here.
 *  @see https://docs.github.com/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication */
export const OWNER: FieldPattern = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/,
  maxLength: 100,
  words: "letters, digits, - and _, at most 100",
};

/** A repository's name: at most 100 letters, digits, `.`, `-`, `_`, and not `.` or `..`. */
export const REPOSITORY: FieldPattern = {
  pattern: /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/,
  maxLength: 100,
  words: "letters, digits, ., - and _, at most 100, not . or ..",
};

/** `owner/name`. */
export const REPOSITORY_FULL_NAME: FieldPattern = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/,
  maxLength: 201,
  words: "owner/name",
};

/** `owner/name` where `*` stands for any run of characters within a segment. */
export const REPOSITORY_PATTERN: FieldPattern = {
  pattern: /^[A-Za-z0-9*][A-Za-z0-9_*-]{0,99}\/(?!\.{1,2}$)[A-Za-z0-9._*-]{1,100}$/,
  maxLength: 201,
  words: "owner/name, * allowed within either",
};

/** A GUID as GitHub sends it in `X-GitHub-Delivery`. */
export const DELIVERY_GUID: FieldPattern = {
  pattern: /^[0-9A-Za-z-]{1,64}$/,
  maxLength: 64,
  words: "a GUID",
};

/** A workflow job's name once cleaned: what a person may read in a log or a file name, nothing a shell, HCL or a
 *  template could act on. */
export const JOB_NAME: FieldPattern = {
  pattern: /^[A-Za-z0-9 ._,:+=()/@#-]{1,100}$/,
  maxLength: 100,
  words: "letters, digits, spaces and ._,:+=()/@#-, at most 100",
};

/** A runner class's name: part of runner names, so short. */
export const CLASS_NAME: FieldPattern = {
  pattern: /^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$/,
  maxLength: 24,
  words: "lower-case letters, digits and inner hyphens, at most 24",
};

/** A Nomad job id as this system allows it: it stands in a URL path and in the tunnel's ingress expression. */
export const NOMAD_JOB_ID: FieldPattern = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  maxLength: 128,
  words: "letters, digits, ., - and _, at most 128",
};

/** A runner label. GitHub takes at most 256 characters; commas separate labels in its own tools. */
export const RUNNER_LABEL: FieldPattern = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._:/=+-]{0,255}$/,
  maxLength: 256,
  words: "letters, digits and ._:/=+-, at most 256",
};

/** A runner's name at GitHub: at most 64 characters. */
export const RUNNER_NAME: FieldPattern = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  maxLength: 64,
  words: "letters, digits, ., - and _, at most 64",
};

/** The opaque word a runner sends as `X-Runner-Holder`: an allocation id. */
export const HOLDER: FieldPattern = {
  pattern: /^[A-Za-z0-9-]{1,64}$/,
  maxLength: 64,
  words: "letters, digits and -, at most 64",
};

/** Whether `value` is a string of this shape. */
export function matches(field: FieldPattern, value: unknown): value is string {
  return typeof value === "string" && value.length <= field.maxLength && field.pattern.test(value);
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
  return name.slice(0, JOB_NAME.maxLength).replace(/[^A-Za-z0-9 ._,:+=()/@#-]/g, "_");
}
