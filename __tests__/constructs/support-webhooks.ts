import { GithubProvider } from "@cdktf/provider-github/lib/provider";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { TerraformStack, TerraformVariable } from "cdktf";
import type { RepositorySelection } from "../../constructs/repository-selection";
import { RepositoryWebhooks, type RepositoryWebhooksProps } from "../../constructs/repository-webhooks";
import { Template, testApp } from "../support/template";

/** Where the webhooks of these tests deliver. */
export const WEBHOOK_URL = "https://hooks.example.com/webhook";

/** A stack of somebody's, with providers and a secret, to put webhooks into. */
export class WebhookScene {
  readonly stack = new TerraformStack(testApp(), "stack");
  readonly secret: string;

  constructor() {
    new GithubProvider(this.stack, "Github", {});
    new NomadProvider(this.stack, "Nomad", { address: "https://nomad.example.com" });
    this.secret = new TerraformVariable(this.stack, "secret", { sensitive: true }).stringValue;
  }

  /** Makes the webhooks of a selection and synthesizes the stack. */
  webhooks(selection: RepositorySelection, more: Partial<RepositoryWebhooksProps> = {}): Template {
    const { stack, secret } = this;
    new RepositoryWebhooks(stack, "Webhooks", { selection, url: WEBHOOK_URL, secret, ...more });
    return new Template(stack);
  }
}
