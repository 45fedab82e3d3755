import { createHmac } from "node:crypto";
import { type Claim, claimJson, parseClaim } from "../../../contracts/claim";

/** What a claim says; null when it is none. Whether it is signed is not looked at. */
export function readClaim(text: string): Claim | null {
  try {
    const [first = ""] = text.split(".", 1);
    return parseClaim(JSON.parse(Buffer.from(first, "base64url").toString("utf8")));
  } catch {
    return null;
  }
}

/** The same claim with another end, signed as the Worker signs. @throws TypeError when it is none */
export function resigned(text: string, seconds: number, key: string): string {
  const claim = readClaim(text);
  if (claim === null) throw new TypeError("this is no claim");
  const first = Buffer.from(claimJson({ ...claim, exp: claim.exp + seconds })).toString("base64url");
  return `${first}.${createHmac("sha256", key).update(first).digest("base64url")}`;
}
