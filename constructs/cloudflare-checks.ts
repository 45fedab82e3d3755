import { Token } from "cdktf";
import type { CloudflareSettings, OnDemandRunnersProps } from "./on-demand-runners-props";

/** Ids of accounts and zones: 32 hexadecimal digits.
 *  @see https://developers.cloudflare.com/fundamentals/account/find-account-and-zone-ids/ */
const ID = /^[0-9a-f]{32}$/;
/** A name that stands in a URL of Cloudflare's API. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]*$/;

/** What is wrong with the account, the zone and the names in it, one sentence each. */
export function cloudflareProblems(
  { accountId, zoneId }: CloudflareSettings,
  { ledgerName, scriptName }: OnDemandRunnersProps["worker"] = {},
): string[] {
  const found: string[] = [];
  for (const [at, id] of Object.entries({ accountId, zoneId })) {
    if (Token.isUnresolved(id) || ID.test(id)) continue;
    found.push(
      `cloudflare.${at}: must be 32 hexadecimal digits, got "${id}"; the zone's overview in the dashboard shows it`,
    );
  }
  for (const [at, name] of Object.entries({ scriptName, ledgerName })) {
    if (name === undefined || Token.isUnresolved(name) || NAME.test(name)) continue;
    found.push(`worker.${at}: must be letters, digits, - and _, got "${name}"; leave it out for the default`);
  }
  return found;
}
