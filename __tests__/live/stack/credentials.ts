import { randomBytes } from "node:crypto";
import { makeSecrets } from "../../../local/secrets";

/** What somebody who sets the system up has in hand, made anew for a run. */
export interface OperatorCredentials {
  /** Makes webhooks, for whoever deploys. */
  readonly githubToken: string;
  /** Comments on pull requests, for CI. */
  readonly commentToken: string;
  /** The App with which the Worker registers runners. */
  readonly appId: string;
  readonly appPrivateKey: string;
  readonly appPublicKey: string;
  /** Of the account at Cloudflare. */
  readonly cloudflareToken: string;
}

export function makeCredentials(): OperatorCredentials {
  const { githubToken, appId, appPrivateKey, appPublicKey } = makeSecrets();
  return {
    githubToken,
    commentToken: `ghs_${randomBytes(30).toString("hex")}`,
    appId,
    appPrivateKey,
    appPublicKey,
    // As the provider wants it: 40 of these characters.
    cloudflareToken: randomBytes(20).toString("hex"),
  };
}
