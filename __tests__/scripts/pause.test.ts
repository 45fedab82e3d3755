import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalWorker, startWorker } from "../../local/worker/edge";
import { readConnection } from "../../scripts/pause/connection";
import { OperatorClient } from "../../scripts/pause/operator-client";
import { BINDINGS, STATUS_TOKEN } from "../support/harness/harness";
import { type Origin, startOrigin } from "../support/harness/origin";

const ROOT = join(__dirname, "..", "..");
jest.setTimeout(120_000);

describe("npm run pause and npm run resume", () => {
  let worker: LocalWorker;
  let directory = "";
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "pause-cli-"));
    const { PUBLIC_URL: _, RUNNER_POLICY, ...rest } = BINDINGS;
    const bindings = {
      ...rest,
      RUNNER_POLICY: JSON.stringify(RUNNER_POLICY),
      NOMAD_ADDR: "http://127.0.0.1:9",
    };
    worker = await startWorker({ bindings });
  });
  afterAll(async () => {
    await worker.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Runs the script from a directory of its own, so that no stack of this one is found. */
  async function run(
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = spawn(
      process.execPath,
      [require.resolve("tsx/cli"), join(ROOT, "scripts", "pause.ts"), ...words],
      {
        cwd: directory,
        env: { PATH: process.env["PATH"] ?? "", ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    expect(output).not.toContain(STATUS_TOKEN);
    return { code, output };
  }

  const connected = () => ({ RUNNERS_URL: worker.url, STATUS_TOKEN });

  test("pause a repository and everything, and end each by itself", async () => {
    const one = await run(["pause", "octo-org/example"], connected());
    expect(one).toMatchObject({ code: 0 });
    expect(one.output).toMatch(
      /^Paused: octo-org\/example\.\nPaused now:\n {2}octo-org\/example since \d{4}-/,
    );
    const all = await run(["pause"], connected());
    expect(all.output).toMatch(/^Paused: everything\.\nPaused now:\n {2}everything since .*\n {2}octo-org/);
    const rest = await run(["resume"], connected());
    expect(rest.output).toMatch(/^Resumed: everything\.\nPaused now:\n {2}octo-org\/example since/);
    expect(await run(["resume", "octo-org/example"], connected())).toEqual({
      code: 0,
      output: "Resumed: octo-org/example.\nNothing is paused now.\n",
    });
  });

  test("read what is not set from the stack's outputs", async () => {
    const stack = join(directory, "cdktf.out", "stacks", "github-runners");
    mkdirSync(stack, { recursive: true });
    const terraform = join(directory, "fake-terraform");
    const outputs = {
      status_url: { value: `${worker.url}/status` },
      status_token: { sensitive: true, value: STATUS_TOKEN },
    };
    writeFileSync(
      terraform,
      `#!/bin/sh\n[ "$*" = "-chdir=cdktf.out/stacks/github-runners output -json" ] || { echo "got $*" >&2; exit 1; }\necho '${JSON.stringify(outputs)}'\n`,
    );
    chmodSync(terraform, 0o755);
    const ended = await run(["pause", "me/tool"], { TERRAFORM_BINARY_NAME: terraform });
    expect(ended.output).toMatch(/^Paused: me\/tool\./);
    expect(await run(["resume", "me/tool"], { TERRAFORM_BINARY_NAME: terraform })).toMatchObject({ code: 0 });
    rmSync(join(directory, "cdktf.out"), { recursive: true });
  });

  test.each([
    ["two repositories", ["pause", "a/b", "c/d"], "one repository or none is taken, got a/b c/d"],
    ["no owner", ["pause", "example"], 'a repository must be written owner/name, got "example"'],
    ["what is more than a name", ["pause", "a/b/../c"], "must be written owner/name"],
    ["an option that there is not", ["pause", "--all"], "Unknown option '--all'"],
    ["neither word", ["stop"], "one repository or none is taken"],
  ])("say what is wrong with %s, and how it is used", async (_, words, text) => {
    const { code, output } = await run(words, connected());
    expect(code).toBe(1);
    expect(output).toContain(text);
    expect(output).toContain("npm run resume");
  });

  test("say what is not set, and where it would be", async () => {
    expect(await run(["pause"])).toEqual({
      code: 1,
      output:
        "RUNNERS_URL and STATUS_TOKEN must be set: there is no stack in cdktf.out/stacks to read that from: run `npx cdktf synth` first\n",
    });
  });
});

describe("the connection of npm run pause", () => {
  const token = STATUS_TOKEN;
  test.each([
    ["https://runners.example.com", "https://runners.example.com"],
    ["https://runners.example.com/status", "https://runners.example.com"],
    [" http://127.0.0.1:8787/ ", "http://127.0.0.1:8787"],
    ["http://localhost:8787", "http://localhost:8787"],
  ])("takes %s", (RUNNERS_URL, origin) => {
    expect(readConnection({ RUNNERS_URL, STATUS_TOKEN: token }, "nowhere", undefined)).toEqual({
      origin,
      token,
    });
  });

  test.each(["http://runners.example.com", "runners.example.com", "ftp://127.0.0.1", "https://u:pw@host"])(
    "sends no token to %s",
    (RUNNERS_URL) => {
      const read = () => readConnection({ RUNNERS_URL, STATUS_TOKEN: token }, "nowhere", undefined);
      expect(read).toThrow("RUNNERS_URL must be the Worker's address, https://HOST");
      expect(read).not.toThrow(/pw|a-status/);
    },
  );

  test("asks which stack where there are several, and says what Terraform said", () => {
    const stacks = mkdtempSync(join(tmpdir(), "pause-stacks-"));
    try {
      for (const name of ["one", "two"]) mkdirSync(join(stacks, name));
      const read = (stack: string | undefined, TERRAFORM_BINARY_NAME: string) => () =>
        readConnection({ STATUS_TOKEN: token, TERRAFORM_BINARY_NAME, PATH: "/bin" }, stacks, stack);
      expect(read(undefined, "false")).toThrow(/RUNNERS_URL must be set: .* holds one, two: say/);
      expect(read("three", "false")).toThrow("say which by --stack");
      expect(read("one", "false")).toThrow(/could not be read by `false -chdir=.*`: it ended with 1/);
      expect(read("one", "no-such-program")).toThrow("ENOENT");
      expect(read("one", "echo")).toThrow("could not be read by");
    } finally {
      rmSync(stacks, { recursive: true });
    }
  });
});

describe("what npm run pause makes of an answer", () => {
  let origin: Origin;
  beforeAll(async () => {
    origin = await startOrigin(() => ({ status: 204 }));
  });
  afterAll(async () => origin.close());

  test.each([
    [401, { error: "bearer is missing, wrong or expired" }, "does not take this STATUS_TOKEN"],
    [404, { error: "no such path" }, "knows no pauses: deploy the present version"],
    [
      404,
      { error: "the policy names no such repository" },
      "answered 404: the policy names no such repository",
    ],
    [503, { error: "not now; try again" }, "cannot now: not now; try again"],
    [302, "<html>Sign in</html>", "answered 302, and not as the Worker does"],
    [200, "<html>", "answered 200, and not as the Worker does"],
    [500, { error: 7 }, "answered 500, and not as the Worker does"],
  ])("%s %j", async (status, body, text) => {
    origin.reply = () => ({ status, body });
    const client = new OperatorClient({ origin: origin.url, token: STATUS_TOKEN });
    await expect(client.change("pause", "me/tool")).rejects.toThrow(text);
    await expect(client.change("resume", null)).rejects.not.toThrow(STATUS_TOKEN);
    expect(origin.seen.at(-2)).toMatchObject({ method: "PUT", path: "/pauses/me/tool" });
    expect(origin.seen.at(-1)).toMatchObject({ method: "DELETE", path: "/pauses" });
  });

  test("a list that is none, and nobody there", async () => {
    origin.reply = () => ({ status: 200, body: { paused: "all" } });
    const there = new OperatorClient({ origin: origin.url, token: STATUS_TOKEN });
    await expect(there.paused()).rejects.toThrow("not as the Worker does");
    const gone = await startOrigin(() => "drop");
    await gone.close();
    const nobody = new OperatorClient({ origin: gone.url, token: STATUS_TOKEN });
    await expect(nobody.paused()).rejects.toThrow(
      `the Worker at ${gone.url} cannot be reached (ECONNREFUSED); is its address right?`,
    );
  });
});
