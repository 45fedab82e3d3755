import { environmentProblems } from "../../constructs/provider-environment";

const OWNERS = ["octo-org"];

describe("environmentProblems", () => {
  it("finds none in an environment without credentials: synth needs none", () => {
    expect(environmentProblems({}, OWNERS)).toEqual([]);
    expect(
      environmentProblems({ GITHUB_OWNER: "", GITHUB_BASE_URL: "", GITHUB_APP_PEM_FILE: "" }, []),
    ).toEqual([]);
  });

  it("finds none in the variables that a deploy uses", () => {
    const env = {
      CLOUDFLARE_API_TOKEN: "t",
      CONSUL_HTTP_TOKEN: "t",
      GITHUB_TOKEN: "t",
      NOMAD_TOKEN: "t",
      VAULT_TOKEN: "t",
      GITHUB_APP_PEM_FILE: "-----BEGIN RSA PRIVATE KEY-----\\nMII",
      GITHUB_REPOSITORY_OWNER: "other",
    };
    expect(environmentProblems(env, OWNERS)).toEqual([]);
  });

  // The provider prefers them to its argument, even where there is one provider for each owner.
  it.each(["GITHUB_OWNER", "GITHUB_ORGANIZATION"])("refuses a %s that is not the one owner", (name) => {
    expect(environmentProblems({ [name]: "other" }, OWNERS)).toEqual([
      `${name}: must be unset or "octo-org", got "other"; the provider prefers it to the owner of the stack: unset it`,
    ]);
    expect(environmentProblems({ [name]: "Octo-Org" }, ["octo-org", "OCTO-ORG"])).toEqual([]);
  });

  it.each([[["octo-org", "me"]], [[]]])(
    "refuses GITHUB_OWNER whatever it is when the owners are %j",
    (owners) => {
      expect(environmentProblems({ GITHUB_OWNER: "octo-org" }, owners)).toEqual([
        expect.stringMatching(/^GITHUB_OWNER: must not be set, got "octo-org"/),
      ]);
    },
  );

  it("judges the variable that the provider would take, which is the organization", () => {
    expect(environmentProblems({ GITHUB_ORGANIZATION: "octo-org", GITHUB_OWNER: "other" }, OWNERS)).toEqual(
      [],
    );
    expect(environmentProblems({ GITHUB_ORGANIZATION: "other", GITHUB_OWNER: "octo-org" }, OWNERS)).toEqual([
      expect.stringContaining("GITHUB_ORGANIZATION: "),
    ]);
  });

  it("refuses another GitHub than the stack's, and shows no password of its address", () => {
    const env = { GITHUB_BASE_URL: "https://me:secret@ghes.example.com/" };
    expect(environmentProblems(env, OWNERS)).toEqual([
      expect.stringContaining(
        'GITHUB_BASE_URL: must be unset or https://api.github.com/, got "https://ghes.',
      ),
    ]);
    expect(environmentProblems(env, OWNERS).join()).not.toContain("secret");
  });

  it.each(["https://api.github.com", "https://api.github.com/"])("takes %s for GitHub", (url) => {
    expect(environmentProblems({ GITHUB_BASE_URL: url }, OWNERS)).toEqual([]);
  });

  it("leaves the address alone when the stack names its own", () => {
    const env = { GITHUB_BASE_URL: "https://old.example.com/" };
    expect(environmentProblems(env, OWNERS, { githubBaseUrl: "https://ghes.example.com/" })).toEqual([]);
  });

  it.each([
    ["-----BEGIN PRIVATE KEY-----\nsecret", /must be a PKCS#1 key .* openssl rsa -traditional/],
    ["/home/me/secret.pem", /must be the text of a private key.*maybe its path/],
  ])("refuses an App's key that the provider cannot read, without showing it", (pem, problem) => {
    const problems = environmentProblems({ GITHUB_APP_PEM_FILE: pem }, OWNERS);
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toContain("secret");
  });

  it.each(["CLOUDFLARE_API_KEY", "CLOUDFLARE_API_USER_SERVICE_KEY"])(
    "refuses %s, which would go beside the token",
    (name) => {
      const problems = environmentProblems({ [name]: "secret" }, OWNERS);
      expect(problems).toEqual([expect.stringContaining(`${name}: must not be set`)]);
      expect(problems.join()).not.toContain("secret");
    },
  );

  it("tells everything at once", () => {
    const env = {
      GITHUB_OWNER: "x",
      GITHUB_BASE_URL: "x",
      GITHUB_APP_PEM_FILE: "x",
      CLOUDFLARE_API_KEY: "x",
    };
    expect(environmentProblems(env, OWNERS)).toHaveLength(4);
  });
});
