import { DataGithubRepositories } from "@cdktf/provider-github/lib/data-github-repositories";
import { OrganizationWebhook as OrganizationResource } from "@cdktf/provider-github/lib/organization-webhook";
import { GithubProvider } from "@cdktf/provider-github/lib/provider";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { Job } from "@cdktf/provider-nomad/lib/job";
import type { TerraformStack } from "cdktf";
import { CombinedSelection } from "../../constructs/combined-selection";
import { OrganizationWebhook } from "../../constructs/organization-webhook";
import { RepositorySelection } from "../../constructs/repository-selection";
import { Template, problemsOf, removeOutputs } from "../support/template";
import { WEBHOOK_URL, WebhookScene } from "./support-webhooks";

describe("webhooks of organizations", () => {
  let stack: TerraformStack;
  let secret: string;
  let webhooks: WebhookScene["webhooks"];

  beforeEach(() => {
    const scene = new WebhookScene();
    ({ stack, secret } = scene);
    webhooks = scene.webhooks.bind(scene);
  });
  afterAll(removeOutputs);

  describe("RepositoryWebhooks of an organization", () => {
    test("is one organization webhook and no repository webhook", () => {
      const template = webhooks(RepositorySelection.organization({ organization: "octo-org" }));
      expect(template.resources(RepositoryWebhook)).toEqual([]);
      expect(template.resource(OrganizationResource)).toMatchObject({
        events: ["workflow_job"],
        configuration: {
          url: WEBHOOK_URL,
          content_type: "json",
          secret: "${var.secret}",
          insecure_ssl: false,
        },
      });
      const searches = stack.node.findAll().filter((it) => it instanceof DataGithubRepositories);
      expect(searches.map(({ queryInput }) => queryInput)).toEqual([
        "user:octo-org archived:false fork:true is:public",
      ]);
    });

    test("stands beside another organization and named repositories of a third owner", () => {
      const template = webhooks(
        new CombinedSelection([
          RepositorySelection.organization({ organization: "octo-org" }),
          RepositorySelection.organization({ organization: "other-org" }),
          RepositorySelection.named(["me/tool"]),
        ]),
      );
      expect(template.resources(OrganizationResource)).toHaveLength(2);
      expect(template.resources(RepositoryWebhook)).toHaveLength(1);
      expect(problemsOf(stack)).toEqual([]);
    });

    test("tells each problem of its props once", () => {
      webhooks(RepositorySelection.organization({ organization: "octo-org" }), {
        url: "http://example.com/",
      });
      expect(problemsOf(stack)).toEqual([
        expect.stringContaining('url: must be an https URL, got "http://example.com/"'),
      ]);
    });
  });

  describe("OrganizationWebhook", () => {
    test("has the provider and the order it is given, and is held to its organization", () => {
      const provider = new GithubProvider(stack, "Octo", { owner: "octo-org", alias: "octo" });
      const job = new Job(stack, "Job", { jobspec: "x" });
      new OrganizationWebhook(stack, "Hook", {
        organization: "Octo-Org",
        url: WEBHOOK_URL,
        secret,
        provider,
        dependsOn: [job],
      });
      const resource = new Template(stack).resource(OrganizationResource);
      expect(resource).toMatchObject({ provider: "github.octo", depends_on: ["nomad_job.Job"] });
      expect(resource["lifecycle"]).toMatchObject({
        postcondition: [{ condition: '${strcontains(lower(self.url), "/orgs/octo-org/")}' }],
      });
      expect(problemsOf(stack)).toEqual([]);
    });

    test("refuses what is no login", () => {
      new OrganizationWebhook(stack, "Hook", { organization: "octo/org", url: WEBHOOK_URL, secret });
      expect(problemsOf(stack)).toEqual([expect.stringContaining("organization: must be the login")]);
    });
  });
});
