/**
 * What an isolate remembers of GitHub between requests: values only, since workerd refuses to let one request wait for
 * another's promise. Nothing of it is ever written to the ledger. Times are milliseconds since the epoch.
 */
export interface GithubCache {
  /** App JWT by App id. */
  readonly jwts: Map<string, { readonly jwt: string; readonly until: number }>;
  /** By how many milliseconds GitHub's clock is ahead of this one, by App id, where that mattered. */
  readonly clocks: Map<string, number>;
  /** Installation id by owner in lower case. */
  readonly installations: Map<string, number>;
  /** Installation token by installation id. */
  readonly tokens: Map<number, { readonly token: string; readonly until: number }>;
  /** When a credential may be used again, by credential and kind of limit. */
  readonly blockedUntil: Map<string, number>;
}

export function createGithubCache(): GithubCache {
  return {
    jwts: new Map(),
    clocks: new Map(),
    installations: new Map(),
    tokens: new Map(),
    blockedUntil: new Map(),
  };
}
