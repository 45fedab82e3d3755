import { TerraformStack } from "cdktf";
import { GithubCredentials } from "../../index";
import { Template, removeOutputs, testApp, warningsOf } from "../support/template";

afterAll(removeOutputs);

function scope(): TerraformStack {
  return new TerraformStack(testApp(), "stack");
}

describe("GithubCredentials", () => {
  it("refers to an App's key in the Secrets Store", () => {
    const stack = scope();
    const credentials = GithubCredentials.secretsStore({ appId: "1", storeId: "s", secretName: "n" });
    expect(credentials.bind(stack)).toEqual({
      GITHUB_APP_ID: "1",
      GITHUB_APP_PRIVATE_KEY: { storeId: "s", secretName: "n" },
    });
    expect(new Template(stack).block("variable")).toEqual({});
    expect(warningsOf(stack)).toEqual([]);
  });

  it("refers to a token in the Secrets Store when no App is named", () => {
    const credentials = GithubCredentials.secretsStore({ storeId: "s", secretName: "n" });
    expect(credentials.bind(scope())).toEqual({ GITHUB_TOKEN: { storeId: "s", secretName: "n" } });
  });

  it.each([
    [{ appId: "1" }, "github_app_private_key"],
    [{}, "github_token"],
  ])("asks for the secret of %j as a sensitive variable and warns of the state", (props, name) => {
    const stack = scope();
    GithubCredentials.variable(props).bind(stack);
    expect(new Template(stack).block("variable")).toMatchObject({
      [name]: { sensitive: true, nullable: false },
    });
    expect(warningsOf(stack)).toEqual([expect.stringContaining("GithubCredentials.secretsStore")]);
  });
});
