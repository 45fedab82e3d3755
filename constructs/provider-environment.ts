import { distinctOwners } from "./owners";

/** Variables by name, as `process.env` is. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the stack itself says, so that the environment does not. */
export interface EnvironmentProblemsOptions {
  /**
   * The base URL that the GitHub providers are given; `GITHUB_BASE_URL` then has no effect.
   * @default - none, so `GITHUB_BASE_URL` decides, and else https://api.github.com
   */
  readonly githubBaseUrl?: string;
}

const GITHUB_API = /^https:\/\/api\.github\.com\/?$/;
const PKCS1 = "-----BEGIN RSA PRIVATE KEY-----";
/** The Cloudflare provider sends each of these beside the API token. */
const OTHER_CLOUDFLARE_KEYS = ["CLOUDFLARE_API_KEY", "CLOUDFLARE_API_USER_SERVICE_KEY"] as const;

/**
 * What in an environment would make the providers act elsewhere, or as somebody else, than the stack says; one sentence
 * each. A variable that is not set is no problem here: synth needs no credential.
 *
 * Pure, and never part of what is synthesized: give it `process.env` in a validation.
 * @param owners logins whose repositories get webhooks
 */
export function environmentProblems(
  env: Environment,
  owners: readonly string[],
  options: EnvironmentProblemsOptions = {},
): string[] {
  return [
    ...ownerProblems(env, distinctOwners(owners)),
    ...baseUrlProblems(env, options.githubBaseUrl),
    ...pemProblems(env["GITHUB_APP_PEM_FILE"]),
    ...OTHER_CLOUDFLARE_KEYS.filter((name) => isSet(env[name])).map(
      (name) =>
        `${name}: must not be set, got a value; the provider would send it beside the API token: unset it`,
    ),
  ];
}

/** GitHub's provider prefers either variable to the owner it is given, and the first to the second. Every hook would be
 *  made at repositories of that owner. */
function ownerProblems(env: Environment, owners: readonly string[]): string[] {
  const name = ["GITHUB_ORGANIZATION", "GITHUB_OWNER"].find((variable) => isSet(env[variable]));
  const winner = name === undefined ? undefined : env[name];
  if (name === undefined || winner === undefined) return [];
  const [only, ...others] = owners;
  if (others.length === 0 && only?.toLowerCase() === winner.toLowerCase()) return [];
  const wanted = only !== undefined && others.length === 0 ? `must be unset or "${only}"` : "must not be set";
  return [`${name}: ${wanted}, got "${winner}"; the provider prefers it to the owner of the stack: unset it`];
}

function baseUrlProblems(env: Environment, given: string | undefined): string[] {
  const url = env["GITHUB_BASE_URL"];
  if (given !== undefined || !isSet(url) || GITHUB_API.test(url)) return [];
  return [
    `GITHUB_BASE_URL: must be unset or https://api.github.com/, got "${withoutPassword(url)}"; webhooks would be made at ` +
      "another GitHub than the Worker asks: unset it, and name the server in the settings",
  ];
}

function pemProblems(pem: string | undefined): string[] {
  if (!isSet(pem) || pem.includes(PKCS1)) return [];
  if (pem.includes("-----BEGIN")) {
    return [
      "GITHUB_APP_PEM_FILE: must be a PKCS#1 key (BEGIN RSA PRIVATE KEY), got another kind; convert it with " +
        "openssl rsa -traditional -in <file>",
    ];
  }
  return [
    "GITHUB_APP_PEM_FILE: must be the text of a private key, got something else, maybe its path; set it with " +
      'GITHUB_APP_PEM_FILE="$(cat <file>)"',
  ];
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

/** An address may carry a password. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//");
}
