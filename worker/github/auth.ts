import { type AppCredential, TOKEN, forgetToken, installationBearer, ownerOf } from "./app-auth";
import { type GithubResult, callError } from "./errors";
import type { Bearer, Transport } from "./request";

/** A personal access token, or an App. The getters are called per use: a Secrets Store secret may change meanwhile. */
export type GithubCredential =
  | { readonly kind: "token"; readonly token: () => Promise<string> }
  | ({ readonly kind: "app" } & AppCredential);

export interface Auth {
  /** A token for a scope's calls. */
  readonly bearer: (scope: string) => Promise<GithubResult<Bearer>>;
  /** Drops a token that GitHub refused. @returns whether asking again can help */
  readonly forget: (scope: string, token: string) => boolean;
}

/** One per invocation: calls of one invocation that need the same token wait for one request. */
export function createAuth(transport: Transport, credential: GithubCredential): Auth {
  if (credential.kind === "token") {
    return { bearer: () => personalToken(credential.token), forget: () => false };
  }
  const pending = new Map<string, Promise<GithubResult<Bearer>>>();
  return {
    bearer(scope) {
      const owner = ownerOf(scope);
      const running =
        pending.get(owner) ??
        installationBearer(transport, credential, scope).finally(() => pending.delete(owner));
      pending.set(owner, running);
      return running;
    },
    forget(scope, token) {
      forgetToken(transport, scope, token);
      return true;
    },
  };
}

async function personalToken(read: () => Promise<string>): Promise<GithubResult<Bearer>> {
  const token = await read().catch(() => "");
  if (TOKEN.test(token)) return { ok: true, value: { token, key: "token" } };
  return callError("unavailable", "credential is missing: GITHUB_TOKEN cannot be read");
}
