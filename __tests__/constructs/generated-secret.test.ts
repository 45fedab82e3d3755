import { Password } from "@cdktf/provider-random/lib/password";
import { TerraformStack } from "cdktf";
import { GeneratedSecret, type GeneratedSecretProps } from "../../constructs/generated-secret";
import { resolved } from "../support/resolved";
import { Template, problemsOf, removeOutputs, testApp } from "../support/template";

afterAll(removeOutputs);

function declare(props?: GeneratedSecretProps): {
  readonly stack: TerraformStack;
  readonly secret: GeneratedSecret;
} {
  const stack = new TerraformStack(testApp(), "stack");
  return { stack, secret: new GeneratedSecret(stack, "Key", props) };
}

/** Addresses of the passwords, each with its arguments. */
function passwords(props?: GeneratedSecretProps): Readonly<Record<string, unknown>> {
  const { json } = new Template(declare(props).stack);
  return (json["resource"] as Record<string, Record<string, unknown>>)[Password.tfResourceType] ?? {};
}

describe("GeneratedSecret", () => {
  it("is letters and digits, and one value at first", () => {
    const { stack, secret } = declare();
    const password = new Template(stack).resource(Password);
    expect(password).toMatchObject({ length: 48, special: false });
    expect(resolved(stack, secret.current)).toMatch(/^\$\{random_password\.Key_Generation1_\w+\.result\}$/);
    expect(secret.previous).toBeUndefined();
    expect(problemsOf(secret)).toEqual([]);
  });

  it("keeps the value in use at its address and drops the one before when the generation is raised", () => {
    const [second, third] = [passwords({ generation: 2 }), passwords({ generation: 3 })];
    const [one, two] = Object.keys(second);
    const [kept, added] = Object.keys(third).sort();
    expect(one).toMatch(/^Key_Generation1_/);
    expect(kept).toBe(two);
    expect(added).toMatch(/^Key_Generation3_/);
    expect(Object.keys(third)).not.toContain(one);
  });

  it("tells the current value from the previous one", () => {
    const { stack, secret } = declare({ generation: 3 });
    expect(resolved(stack, secret.current)).toContain("Generation3");
    expect(resolved(stack, secret.previous)).toContain("Generation2");
  });

  it("lets go of the previous value when it is not to be kept", () => {
    const { secret } = declare({ generation: 2, keepPrevious: false });
    expect(secret.previous).toBeUndefined();
    expect(Object.keys(passwords({ generation: 2, keepPrevious: false }))).toEqual([
      expect.stringMatching(/^Key_Generation2_/),
    ]);
  });

  // Each argument of a password is one that replaces it.
  it("makes no new value of a generation whose length has changed", () => {
    for (const password of Object.values(passwords({ generation: 2, length: 64 }))) {
      expect(password).toMatchObject({ length: 64, lifecycle: { ignore_changes: "all" } });
    }
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses generation %d", (generation) => {
    expect(problemsOf(declare({ generation }).secret)).toEqual([
      `[stack/Key] generation: must be a whole number from 1, got ${String(generation)}; ` +
        "begin with 1 and add 1 for each rotation",
    ]);
  });

  it.each([31, 513, 48.5, Number.NaN])("refuses a length of %d", (length) => {
    expect(problemsOf(declare({ length }).secret)).toEqual([
      `[stack/Key] length: must be a whole number from 32 to 512, got ${String(length)}; leave it out for 48`,
    ]);
  });

  it.each([32, 512])("takes a length of %d", (length) => {
    expect(problemsOf(declare({ length }).secret)).toEqual([]);
  });
});
