import { type KeyPairKeyObjectResult, createSign, createVerify, generateKeyPairSync } from "node:crypto";

/** What Access says about a request it let through.
 *  @see https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/application-token/ */
export interface AccessClaims {
  readonly aud: readonly string[];
  readonly iss: string;
  /** Id of the service token's client. */
  readonly common_name: string;
  /** Unix seconds. */
  readonly iat: number;
  readonly exp: number;
}

const LIFETIME_SECONDS = 60;
const RSA_BITS = 2_048;

/** Signs and checks the assertions of one team, with a key of its own. */
export class AccessJwt {
  #made: KeyPairKeyObjectResult | null = null;

  issue(aud: string, clientId: string, issuer: string): string {
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { aud: [aud], iss: issuer, common_name: clientId, iat, exp: iat + LIFETIME_SECONDS };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "RS256", typ: "JWT" })}.${part({ ...claims, type: "app", sub: "" })}`;
    const signature = createSign("sha256").update(text).sign(this.#keys.privateKey).toString("base64url");
    return `${text}.${signature}`;
  }

  /** @returns null for what this team did not issue, or what has ended */
  verify(jwt: string, issuer: string): AccessClaims | null {
    const [head = "", body = "", signature = ""] = jwt.split(".");
    const signed = createVerify("sha256").update(`${head}.${body}`);
    if (!signed.verify(this.#keys.publicKey, signature, "base64url")) return null;
    const claims = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as AccessClaims;
    return claims.iss === issuer && claims.exp > Date.now() / 1_000 ? claims : null;
  }

  /** Made at the first use: it takes a while, and most runs never need it. */
  get #keys(): KeyPairKeyObjectResult {
    return (this.#made ??= generateKeyPairSync("rsa", { modulusLength: RSA_BITS }));
  }
}
