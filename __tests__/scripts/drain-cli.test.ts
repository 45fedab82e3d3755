import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DrainScene } from "./support/drain-scene";

const ROOT = join(__dirname, "..", "..");
/** Starting loads cdktf. */
const RUN_MS = 40_000;
jest.setTimeout(2.5 * RUN_MS);

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

describe("npm run drain", () => {
  const directory = mkdtempSync(join(tmpdir(), "drain-cli-"));
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  let scene: DrainScene | null = null;
  afterEach(async () => {
    await scene?.nomad.close();
    scene = null;
  });

  const start = (words: readonly string[], environment: Record<string, string>): ChildProcess =>
    spawn(process.execPath, [require.resolve("tsx/cli"), join(ROOT, "scripts", "drain.ts"), ...words], {
      cwd: ROOT,
      env: { PATH: process.env["PATH"] ?? "", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
  const ended = (child: ChildProcess): Promise<Ended> =>
    new Promise((resolve) => {
      let output = "";
      const collect = (chunk: Buffer): void => {
        output += chunk.toString("utf8");
      };
      child.stdout?.on("data", collect);
      child.stderr?.on("data", collect);
      const killer = setTimeout(() => child.kill("SIGKILL"), RUN_MS);
      child.once("close", (code) => {
        clearTimeout(killer);
        resolve({ code, output });
      });
    });
  const run = (words: readonly string[], environment: Record<string, string> = {}): Promise<Ended> =>
    ended(start(words, environment));

  /** A user's settings, as far as they say which jobs there are. */
  const settings = (name: string, namespace = "default"): string => {
    const path = join(directory, name);
    const index = JSON.stringify(join(ROOT, "index"));
    writeFileSync(
      path,
      `import { GithubCredentials, NomadRoute, RepositorySelection, TaskDriver, type RunnersStackProps } from ${index};
       const driver = TaskDriver.docker({ image: "runner:1" });
       const settings: RunnersStackProps = {
         cloudflare: { accountId: "a", zoneId: "z", zoneName: "example.com" },
         hostname: "runners.example.com",
         repositories: [RepositorySelection.owner({ owner: "me" })],
         classes: [
           { className: "a", jobId: "runner-a", labels: ["self-hosted"], driver },
           { className: "b", jobId: "runner-b", labels: ["self-hosted", "b"], driver },
         ],
         github: GithubCredentials.secretsStore({ appId: "1", storeId: "s", secretName: "n" }),
         route: NomadRoute.existing({ address: "https://nomad.example.com" }),
         nomad: { apiAddress: "http://127.0.0.1:9", namespace: ${JSON.stringify(namespace)} },
         consul: { address: "consul:8500", path: "p" },
       };
       export default settings;`,
    );
    return path;
  };

  test("ends what the settings name, at NOMAD_ADDR, with 0; the second one too; and shows no token", async () => {
    scene = await DrainScene.start();
    const [, child] = await scene.dispatch("runner-a");
    await scene.runs(child);
    const environment = { NOMAD_ADDR: scene.nomad.url, NOMAD_TOKEN: "operator-secret" };
    const path = settings("settings.ts");
    const first = await run([path], environment);
    expect(first.output).toContain("Nothing is left in Nomad: 3 jobs ended and purged.");
    expect(first.code).toBe(0);
    expect(await scene.listed()).toEqual({ "runner-a-too": "running", connector: "running" });
    const second = await run([path], environment);
    expect(second).toEqual({
      code: 0,
      output: `Draining runner-a, runner-b in the namespace default of ${scene.nomad.url}\nNothing was there, and nothing is left in Nomad.\n`,
    });
    expect(first.output + second.output).not.toContain("operator-secret");
  });

  test("after its time it says what is left, with 3", async () => {
    scene = await DrainScene.start({ release: "sleep 4" });
    const [, child] = await scene.dispatch("runner-a");
    await scene.runs(child);
    const environment = { NOMAD_ADDR: scene.nomad.url, NOMAD_TOKEN: "operator-secret" };
    const { code, output } = await run([settings("settings.ts"), "--timeout", "1"], environment);
    expect(output).toContain("not all had ended after 1 s");
    expect(output).toContain(`${child} in default: allocation `);
    expect(code).toBe(3);
  });

  test("Ctrl-C says what is left, with 130", async () => {
    scene = await DrainScene.start();
    const [, running] = await scene.dispatch("runner-a");
    await scene.runs(running);
    const environment = { NOMAD_ADDR: scene.nomad.url, NOMAD_TOKEN: "operator-secret" };
    const child = start([settings("settings.ts"), "--finish"], environment);
    const end = ended(child);
    await new Promise<void>((resolve) => {
      child.stdout?.on("data", (chunk: Buffer) => {
        if (chunk.toString("utf8").includes("waiting for")) resolve();
      });
      child.once("close", () => {
        resolve();
      });
    });
    child.kill("SIGINT");
    const { code, output } = await end;
    expect(output).toContain("not all had ended when it was stopped");
    expect(output).toContain(`${running} in default: allocation `);
    // As long as a runner may live: six hours, five minutes for its job to come, four for its end.
    expect(output).toMatch(/waiting for .* \(for at most 221[34]\d s more\)/);
    expect(code).toBe(130);
    expect(await scene.listed()).toMatchObject({ "runner-a": "dead", [running]: "running" });
  });

  test.each([
    ["no settings", ["/nonexistent/settings.ts"], 1, "there are no settings at /nonexistent/settings.ts"],
    ["a wrong word", ["--now"], 2, "npm run drain -- [settings]"],
    ["a cry for help", ["--help"], 0, "npm run drain -- [settings]"],
  ])("%s", async (_what, words, code, says) => {
    const ending = await run(words);
    expect(ending.output).toContain(says);
    expect(ending.code).toBe(code);
  });

  test.each([
    ["no-default.ts", "export const settings = 1;", "there is no default export of RunnersStackProps"],
    ["broken.ts", "throw new Error('thrown by it');", "thrown by it"],
    ["incomplete.ts", "export default { classes: [] };", "cannot be used"],
  ])("settings that are none (%s) end it with 1, and synth is named", async (name, text, says) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    const { code, output } = await run([path]);
    expect(output).toContain(`npm run drain: the settings in ${path} cannot be used: `);
    expect(output).toContain(says);
    expect(output).toContain("npx cdktf synth");
    expect(code).toBe(1);
  });

  test("an empty name, which Nomad would take for another one, is refused", async () => {
    const path = settings("empty.ts", "");
    const { code, output } = await run([path]);
    expect(output).toContain('namespace: must be a name without spaces and slashes, got ""');
    expect(code).toBe(1);
  });
});
