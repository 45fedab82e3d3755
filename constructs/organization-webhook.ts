import { OrganizationWebhook as WebhookResource } from "@cdktf/provider-github/lib/organization-webhook";
import type { TerraformProvider } from "cdktf";
import { Construct } from "constructs";
import { loginProblems } from "./repository-selection";
import { WEBHOOK_EVENTS, type WebhookProps, webhookConfiguration, webhookProblems } from "./webhook-props";
import { landsAt } from "./webhook-owner";

/** Whose webhook, beside where it delivers. */
export interface OrganizationWebhookProps extends WebhookProps {
  /** Login of the organization. */
  readonly organization: string;
  /**
   * The GitHub provider whose `owner` is the organization. Its credential is an organization owner's (`admin:org_hook`),
   * or has "Organization webhooks: write".
   * @default - the stack's
   */
  readonly provider?: TerraformProvider;
}

/**
 * One webhook that tells of the workflow jobs of all repositories of an organization, those made later included.
 *
 * The provider takes the organization from its `owner`, and `GITHUB_OWNER` or `GITHUB_ORGANIZATION` in the environment
 * wins over that argument without a word: leave both unset. A webhook that landed elsewhere fails the deploy.
 *
 * The secret lies in Terraform's state, and GitHub never shows it again, so a plan does not see that somebody changed
 * it there.
 * @see https://docs.github.com/rest/orgs/webhooks
 */
export class OrganizationWebhook extends Construct {
  constructor(scope: Construct, id: string, props: OrganizationWebhookProps) {
    super(scope, id);
    const { organization, provider, dependsOn = [] } = props;
    const loginFaults = loginProblems("organization", organization);
    this.node.addValidation({ validate: () => [...loginFaults, ...webhookProblems(props)] });
    if (loginFaults.length > 0) return;
    new WebhookResource(this, "Resource", {
      events: WEBHOOK_EVENTS,
      configuration: webhookConfiguration(props),
      dependsOn: [...dependsOn],
      lifecycle: { postcondition: [landsAt("orgs", organization)] },
      ...(provider && { provider }),
    });
  }
}
