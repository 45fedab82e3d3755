import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WorkersScript } from "@cdktf/provider-cloudflare/lib/workers-script";
import { type Json, Miniflare } from "miniflare";
import { GithubCredentials, RunnersStack } from "../../index";
import { BINDING_NAMES, WORKER_BINDINGS } from "../../contracts/bindings";
import { Template, removeOutputs, testApp } from "../support/template";
import { SETTINGS } from "./settings";

interface UploadedScript {
  readonly content_file: string;
  readonly content_sha256: string;
  readonly main_module: string;
  readonly compatibility_date: string;
  readonly compatibility_flags: readonly string[];
  readonly bindings: readonly Readonly<Record<string, string>>[];
}

/** What the stack uploads: the script's arguments, and its file as it lies beside the stack. */
function upload(): { readonly script: UploadedScript; readonly bytes: Buffer } {
  const app = testApp();
  // A token: an App's key is known at apply only, and no stand-in for it is one.
  const github = GithubCredentials.variable();
  const stack = new RunnersStack(app, "github-runners", { ...SETTINGS, github });
  app.synth();
  const script = new Template(stack).resource(WorkersScript) as unknown as UploadedScript;
  return { script, bytes: readFileSync(join(app.outdir, "stacks", "github-runners", script.content_file)) };
}

/** The Worker as Cloudflare would run it after an apply: the same bytes, the same runtime, the same bindings. */
function deploy({ script, bytes }: ReturnType<typeof upload>, leaveOut: readonly string[] = []): Miniflare {
  const declared = script.bindings.filter(({ name }) => !leaveOut.includes(name ?? ""));
  // A reference has its value at apply; any text will do here.
  const value = (text: string | undefined): string =>
    text?.startsWith("${") === true ? "a-value-that-is-known-at-apply-only" : (text ?? "");
  const timed = (json: string | undefined): string =>
    (json ?? "").replace(/\$\{[^}]*\}/g, "2027-01-01T00:00:00Z");
  return new Miniflare({
    modules: [{ type: "ESModule", path: script.main_module, contents: bytes.toString() }],
    compatibilityDate: script.compatibility_date,
    compatibilityFlags: [...script.compatibility_flags],
    bindings: Object.fromEntries(
      declared
        .filter(({ type }) => type !== "d1")
        .map(({ name, type, text, json }) => [
          name ?? "",
          type === "json" ? (JSON.parse(timed(json)) as Json) : value(text),
        ]),
    ),
    d1Databases: declared.flatMap(({ name, type }) => (type === "d1" ? [name ?? ""] : [])),
  });
}

async function health(worker: Miniflare): Promise<{ readonly status: number; readonly body: string }> {
  try {
    const answer = await worker.dispatchFetch("https://runners.example.com/healthz");
    return { status: answer.status, body: await answer.text() };
  } finally {
    await worker.dispose();
  }
}

describe("the Worker that the stack uploads", () => {
  const uploaded = upload();
  afterAll(removeOutputs);

  it("is the file that its hash says", () => {
    expect(createHash("sha256").update(uploaded.bytes).digest("hex")).toBe(uploaded.script.content_sha256);
  });

  it("misses none of the bindings that the stack declares", async () => {
    const { status, body } = await health(deploy(uploaded));
    expect(JSON.parse(body)).not.toHaveProperty("missing.0");
    expect(status).toBe(200);
  });

  it("misses exactly those that are taken away", async () => {
    const required = BINDING_NAMES.filter((name) => WORKER_BINDINGS[name].required);
    const { status, body } = await health(deploy(uploaded, required));
    expect(status).toBe(503);
    expect((JSON.parse(body) as { missing: readonly string[] }).missing.toSorted()).toEqual(
      required.toSorted(),
    );
  });
});
