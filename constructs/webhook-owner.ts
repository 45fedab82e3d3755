import type { Postcondition } from "cdktf";

/**
 * Holds a webhook, or a runner group, to the owner it was meant for. The provider takes the owner from its own
 * configuration, not from the resource, and `GITHUB_OWNER` or `GITHUB_ORGANIZATION` in the environment wins over that configuration: with several owners all webhooks would
 * land at one. The address that GitHub gives to it tells.
 * @param owner a login that fits its pattern
 * @param what what it is called in the error
 * @param attribute the attribute that holds its address
 */
export function landsAt(
  kind: "orgs" | "repos",
  owner: string,
  what = "webhook",
  attribute = "url",
): Postcondition {
  // lower() on both sides: logins are compared without regard to case.
  const path = `/${kind}/${owner.toLowerCase()}/`;
  return {
    condition: `\${strcontains(lower(self.${attribute}), "${path}")}`,
    errorMessage:
      `This ${what} must belong to ${owner}, but GitHub has it at \${self.${attribute}}. Unset GITHUB_OWNER and ` +
      "GITHUB_ORGANIZATION, which win over the provider's owner, or correct the owner that the provider is given; " +
      `delete the ${what} there, and deploy again.`,
  };
}
