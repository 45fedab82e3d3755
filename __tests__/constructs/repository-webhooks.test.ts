import { GithubProvider } from "@cdktf/provider-github/lib/provider";
import { RepositoryWebhook } from "@cdktf/provider-github/lib/repository-webhook";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { TerraformStack, TerraformVariable } from "cdktf";
import { RepositorySelection } from "../../constructs/repository-selection";
import { RepositoryWebhooks } from "../../constructs/repository-webhooks";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";
import { WEBHOOK_URL, WebhookScene } from "./support-webhooks";

interface Data {
  readonly github_repositories: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
interface Assert {
  readonly condition: string;
  readonly error_message: string;
}
type Condition = Assert;

describe("webhooks", () => {
  let stack: TerraformStack;
  let webhooks: WebhookScene["webhooks"];

  beforeEach(() => {
    const scene = new WebhookScene();
    ({ stack } = scene);
    webhooks = scene.webhooks.bind(scene);
  });
  afterAll(removeOutputs);
  const named = RepositorySelection.named(["octo-org/b", "octo-org/a"]);
  const searches = (template: Template): readonly Readonly<Record<string, unknown>>[] =>
    Object.values((template.json["data"] as Data | undefined)?.github_repositories ?? {});
  const asserts = (template: Template): readonly Assert[] =>
    Object.values(template.block("check")).flatMap((it) => it["assert"] as Assert[]);
  const postconditions = (element: Readonly<Record<string, unknown>> | undefined): readonly Condition[] =>
    (element?.["lifecycle"] as { postcondition?: Condition[] } | undefined)?.postcondition ?? [];

  describe("RepositoryWebhooks of named repositories", () => {
    test("is one resource over the set of the names, for workflow jobs only, as JSON, signed and verified", () => {
      const template = webhooks(named);
      const local = Object.keys(template.block("locals")).find((id) => id.includes("Names")) ?? "";
      expect(template.block("locals")[local]).toEqual(["a", "b"]);
      expect(template.resource(RepositoryWebhook)).toMatchObject({
        for_each: `\${toset(local.${local})}`,
        repository: "${each.value}",
        events: ["workflow_job"],
        // The provider panics without the block.
        configuration: {
          url: WEBHOOK_URL,
          content_type: "json",
          secret: "${var.secret}",
          insecure_ssl: false,
        },
      });
    });

    test("asks no search for the names", () => {
      expect(searches(webhooks(named)).map(({ query }) => query)).toEqual([
        "user:octo-org archived:false fork:true is:public",
      ]);
    });

    test("10,000 names add no construct", () => {
      const names = Array.from({ length: 10_000 }, (_, index) => `octo-org/r${String(index)}`);
      const template = webhooks(RepositorySelection.named(names));
      expect(template.resources(RepositoryWebhook)).toHaveLength(1);
      expect(stack.node.findAll().length).toBeLessThan(15);
    });

    test("each owner has a resource of its own, with the owner's provider", () => {
      const providers = new Map(
        ["me", "octo-org"].map((owner) => [
          owner,
          new GithubProvider(stack, `Github${owner}`, { owner, alias: owner }),
        ]),
      );
      const selection = RepositorySelection.named(["octo-org/a", "me/tool"]);
      const template = webhooks(selection, { provider: (owner) => providers.get(owner) });
      const all = template.resources(RepositoryWebhook);
      expect(all.map(({ provider }) => provider)).toEqual(["github.me", "github.octo-org"]);
      expect(searches(template).map(({ provider }) => provider)).toEqual(["github.me", "github.octo-org"]);
    });

    test("an address depends on the owner's login, whatever its case, and not on the other owners", () => {
      const addresses = (names: readonly string[]): string[] => {
        const other = new TerraformStack(testApp(), "stack");
        const token = new TerraformVariable(other, "secret", {}).stringValue;
        const selection = RepositorySelection.named(names);
        new RepositoryWebhooks(other, "Webhooks", { selection, url: WEBHOOK_URL, secret: token });
        return Object.keys(new Template(other).block("resource")["github_repository_webhook"] ?? {});
      };
      const [first] = addresses(["octo-org/a"]);
      expect(first).toMatch(/^Webhooks_octo-org_[0-9A-F]{8}$/);
      expect(addresses(["Octo-Org/b", "me/tool"])).toContain(first);
    });

    test("comes after what it is told to wait for, and its searches wait for nothing", () => {
      const job = new Job(stack, "Job", { jobspec: "x" });
      const template = webhooks(RepositorySelection.owner({ owner: "me" }), { dependsOn: [job] });
      expect(template.resource(RepositoryWebhook)["depends_on"]).toEqual(["nomad_job.Job"]);
      for (const search of searches(template)) expect(search).not.toHaveProperty("depends_on");
    });

    test("a webhook that landed at another owner fails the deploy", () => {
      const [landed] = postconditions(
        webhooks(RepositorySelection.named(["Octo-Org/a"])).resource(RepositoryWebhook),
      );
      expect(landed?.condition).toBe('${strcontains(lower(self.url), "/repos/octo-org/")}');
      expect(landed?.error_message).toMatch(
        /must belong to Octo-Org.*Unset GITHUB_OWNER and GITHUB_ORGANIZATION/,
      );
    });
  });

  describe("RepositoryWebhooks of what a search finds", () => {
    const selection = RepositorySelection.topic({ owner: "octo-org", topic: "ci" });

    test("is one resource over the set of the names found, whose order is never the same", () => {
      const template = webhooks(selection);
      const search = searches(template).find(
        ({ query }) => query === "user:octo-org topic:ci archived:false",
      );
      expect(search).toBeDefined();
      expect(template.resource(RepositoryWebhook)["for_each"]).toMatch(
        /^\$\{toset\(data\.github_repositories\.Webhooks_octo-org_Search_[0-9A-F]{8}\.names\)\}$/,
      );
    });

    test("is an error when nothing is found, when GitHub's search stops, and when it changed meanwhile", () => {
      const search = searches(webhooks(selection)).find(
        ({ query }) => query === "user:octo-org topic:ci archived:false",
      );
      const conditions = postconditions(search);
      expect(conditions.map(({ condition }) => condition)).toEqual([
        "${length(self.names) > 0}",
        "${length(self.names) < 1000}",
        "${length(self.names) == length(distinct(self.names))}",
      ]);
      expect(conditions[0]?.error_message).toMatch(/but found none\. Correct the selection/);
      expect(conditions[1]?.error_message).toMatch(/there may be more that would silently get no webhook/);
      expect(conditions[2]?.error_message).toMatch(/Plan again/);
    });

    test("named repositories have no such condition", () => {
      for (const search of searches(webhooks(named))) expect(postconditions(search)).toEqual([]);
    });
  });

  describe("the warning of public repositories", () => {
    test("looks at the selected ones only", () => {
      const template = webhooks(named);
      const [id = ""] = Object.keys(template.block("check"));
      const unlisted = template.block("locals")[id] as unknown as string;
      expect(unlisted).toContain("setintersection(");
      expect(unlisted).toContain('lower("octo-org/${name}")');
      expect(asserts(template)[0]).toEqual({
        condition: `\${length(local.${id}) == 0}`,
        error_message: expect.stringContaining(
          "write publicRepositories: ${jsonencode(concat([], ",
        ) as string,
      });
    });

    test("searches with the selection's own words where it is a search", () => {
      const selection = RepositorySelection.topic({ owner: "octo-org", topic: "ci" });
      expect(searches(webhooks(selection)).map(({ query }) => query)).toContain(
        "user:octo-org topic:ci archived:false is:public",
      );
    });

    test("leaves out what a pattern lists, without regard to case, and repeats the patterns in the line to write", () => {
      const template = webhooks(named, { publicRepositories: ["Octo-Org/a.*", "me/tool"] });
      const [id = ""] = Object.keys(template.block("check"));
      expect(template.block("locals")[id]).toContain(
        'if !can(regex("^(?:octo-org/a[.][^/]*|me/tool)$", name))',
      );
      expect(asserts(template)[0]?.error_message).toContain('concat(["Octo-Org/a.*", "me/tool"], ');
    });

    test.each(["octo-org/*", "*/*", "OCTO-*/**"])(
      "is not needed where %s lists every repository of the owner",
      (pattern) => {
        const template = webhooks(named, { publicRepositories: [pattern] });
        expect(searches(template)).toEqual([]);
        expect(template.block("check")).toEqual({});
      },
    );

    test.each(["octo-org/a*", "octo/*", "me/*"])(
      "is needed where %s lists some, or another owner's",
      (pattern) => {
        expect(searches(webhooks(named, { publicRepositories: [pattern] }))).toHaveLength(1);
      },
    );

    test("says so when an owner has too many public repositories to look at", () => {
      expect(asserts(webhooks(named))[1]).toEqual({
        condition: expect.stringMatching(
          /^\$\{length\(data\.github_repositories\.\S+\.full_names\) < 1000\}$/,
        ) as string,
        error_message: expect.stringMatching(/^octo-org has 1000 public repositories or more/) as string,
      });
    });

    test("refuses a malformed pattern and writes none of it into Terraform", () => {
      const template = webhooks(named, { publicRepositories: ['octo-org/${file("x")}', "tool"] });
      expect(problemsOf(stack)).toEqual([
        expect.stringContaining("publicRepositories: must be owner/name, * allowed within either, got"),
        expect.stringContaining('got "tool"'),
      ]);
      expect(JSON.stringify(template.json)).not.toContain("file(");
    });
  });

  describe("what webhooks refuse", () => {
    test("a secret that is a text, without repeating it", () => {
      webhooks(named, { secret: "swordfish" });
      expect(problemsOf(stack)).toEqual([expect.stringContaining("secret: must be a reference")]);
      expect(problemsOf(stack).join()).not.toContain("swordfish");
    });

    test.each([
      "hooks.example.com/webhook",
      "http://hooks.example.com/webhook",
      "https://a b/",
      "https:///x",
    ])("the URL %j", (url) => {
      webhooks(named, { url });
      expect(problemsOf(stack)).toEqual([expect.stringContaining("url: must be an https URL")]);
    });

    test("an empty selection: synth fails and nothing is made", () => {
      const template = webhooks(RepositorySelection.named([]));
      expect(problemsOf(stack)).toEqual([expect.stringContaining("got an empty list")]);
      expect(template.json).not.toHaveProperty("resource");
    });

    test("nothing else: a good selection has no problem", () => {
      webhooks(named, { publicRepositories: ["octo-org/site"] });
      expect(problemsOf(stack)).toEqual([]);
    });
  });
});
