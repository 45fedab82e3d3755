import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { AclToken } from "@cdktf/provider-nomad/lib/acl-token";
import { Password } from "@cdktf/provider-random/lib/password";
import { Template, removeOutputs } from "../support/template";
import { bindingsOf, stackWith } from "./support";

afterAll(removeOutputs);

describe("generations", () => {
  const addressesOf = (template: Template): readonly string[] => {
    const { resource } = template.json as { resource: Record<string, Record<string, unknown>> };
    return Object.keys(resource[Password.tfResourceType] ?? {}).map((id) => id.replace(/_[0-9A-F]{8}$/, ""));
  };

  it("are 1 of each secret at first, with no previous one", () => {
    const template = new Template(stackWith());
    expect(addressesOf(template)).toEqual([
      "Runners_ClaimKey_Generation1",
      "Runners_Gateway_TunnelSecret_Generation1",
      "Runners_StatusToken_Generation1",
      "Runners_WebhookSecret_Generation1",
    ]);
    expect(bindingsOf(template).has("GITHUB_WEBHOOK_SECRET_PREVIOUS")).toBe(false);
    expect(bindingsOf(template).has("CLAIM_KEY_PREVIOUS")).toBe(false);
  });

  it("keep the one before, which the Worker takes until the webhooks have changed", () => {
    const template = new Template(
      stackWith({ generations: { webhookSecret: 3, claimKey: 2, statusToken: 2 } }),
    );
    expect(addressesOf(template)).toEqual([
      "Runners_ClaimKey_Generation1",
      "Runners_ClaimKey_Generation2",
      "Runners_Gateway_TunnelSecret_Generation1",
      "Runners_StatusToken_Generation2",
      "Runners_WebhookSecret_Generation2",
      "Runners_WebhookSecret_Generation3",
    ]);
    const bindings = bindingsOf(template);
    expect(bindings.get("GITHUB_WEBHOOK_SECRET")?.["text"]).toContain("Runners_WebhookSecret_Generation3");
    expect(bindings.get("GITHUB_WEBHOOK_SECRET_PREVIOUS")?.["text"]).toContain(
      "Runners_WebhookSecret_Generation2",
    );
    expect(bindings.get("CLAIM_KEY_PREVIOUS")?.["text"]).toContain("Runners_ClaimKey_Generation1");
    const { configuration } = template.resource(RepositoryWebhook) as { configuration: { secret: string } };
    expect(configuration.secret).toBe(bindings.get("GITHUB_WEBHOOK_SECRET")?.["text"]);
  });

  it("do not keep the one before when it has leaked", () => {
    const generations = { webhookSecret: 2, claimKey: 2, keepPrevious: false };
    const template = new Template(stackWith({ generations }));
    expect(addressesOf(template)).toEqual([
      "Runners_ClaimKey_Generation2",
      "Runners_Gateway_TunnelSecret_Generation1",
      "Runners_StatusToken_Generation1",
      "Runners_WebhookSecret_Generation2",
    ]);
    expect(bindingsOf(template).has("GITHUB_WEBHOOK_SECRET_PREVIOUS")).toBe(false);
    expect(bindingsOf(template).has("CLAIM_KEY_PREVIOUS")).toBe(false);
  });

  it("make another Nomad token before the one in use goes", () => {
    const token = new Template(stackWith({ generations: { nomadToken: 4 } })).resource(AclToken);
    expect(token).toMatchObject({
      name: "runners-dispatch-4",
      lifecycle: { create_before_destroy: true },
    });
  });
});
