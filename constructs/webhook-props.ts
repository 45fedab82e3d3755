import { type ITerraformDependable, Token } from "cdktf";
import { literalText } from "./literal-text";

/** What every webhook of this system needs to know. */
export interface WebhookProps {
  /** Where GitHub delivers: the Worker's `https://…/webhook`. */
  readonly url: string;
  /** Key that GitHub signs deliveries with; a reference, never a text. It lies in Terraform's state. */
  readonly secret: string;
  /**
   * What has to be there before GitHub delivers: the Worker, and all that it dispatches to.
   * @default - nothing
   */
  readonly dependsOn?: readonly ITerraformDependable[];
}

/** The one event that asks for runners and tells of their jobs.
 *  @see https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_job */
export const WEBHOOK_EVENTS = ["workflow_job"];

/** The configuration block of a webhook resource, spelled out whole: the provider (6.9.0) panics without the block,
 *  GitHub's own default is form encoding, and an update that left the secret out would remove it. */
export function webhookConfiguration({ url, secret }: WebhookProps): {
  readonly url: string;
  readonly contentType: string;
  readonly secret: string;
  readonly insecureSsl: boolean;
} {
  return { url: literalText(url), contentType: "json", secret, insecureSsl: false };
}

/** Everything wrong with the props, a sentence each; what is known at apply only is Terraform's to check. */
export function webhookProblems({ url, secret }: WebhookProps): string[] {
  const found: string[] = [];
  if (!Token.isUnresolved(url) && !/^https:\/\/[^\s/?#]+[^\s#]*$/.test(url)) {
    found.push(
      `url: must be an https URL, got ${JSON.stringify(url)}; deliveries tell what private repositories do`,
    );
  }
  if (!Token.isUnresolved(secret)) {
    found.push(
      "secret: must be a reference, such as a sensitive variable or a generated secret, got a text; " +
        "it would lie readable in the synthesized configuration",
    );
  }
  return found;
}
