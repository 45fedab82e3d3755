import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOOP_POLICY } from "../../local/loop";
import { type Program, runProgram } from "./support/program";

const COMPLETE = {
  RUNNER_POLICY: JSON.stringify(LOOP_POLICY),
  GITHUB_WEBHOOK_SECRET: "a webhook secret of 32 characters or more",
  GITHUB_TOKEN: "github_pat_x",
  NOMAD_ADDR: "http://127.0.0.1:4646",
  NOMAD_TOKEN: "00000000-0000-0000-0000-000000000000",
  CLAIM_KEY: "a claim key of thirty-two characters or more",
  STATUS_TOKEN: "a status token",
};

describe("npm run dev", () => {
  let directory: string;
  let program: Program | null = null;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "dev-test-"));
  });
  afterEach(async () => {
    // Not SIGKILL: workerd is a process of its own and would stay.
    program?.process.kill("SIGTERM");
    await program?.code;
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  const dev = (env: Record<string, string>): Program => {
    program = runProgram("local/dev/main.ts", [], { PORT: "0", ...env }, directory);
    return program;
  };

  test.each(["SIGTERM", "SIGINT"] as const)(
    "says where it serves in one line, answers healthy, and ends with 0 on %s",
    async (signal) => {
      const { process, firstLine, code, stdout, stderr } = dev(COMPLETE);
      const line = await firstLine;
      expect(line).toMatch(/^ready http:\/\/127\.0\.0\.1:\d+$/);
      const answer = await fetch(`${line.slice("ready ".length)}/healthz`);
      expect(answer.status).toBe(200);
      process.kill(signal);
      expect(await code).toBe(0);
      expect(stdout()).toBe(`${line}\n`);
      expect(stderr()).not.toContain("not set");
    },
  );

  test("without bindings it starts, names them on stderr and is not healthy; .dev.vars gives them, the environment goes first", async () => {
    await writeFile(
      join(directory, ".dev.vars"),
      `CLAIM_KEY="${COMPLETE.CLAIM_KEY}"\nSTATUS_TOKEN=from the file\n`,
    );
    const { firstLine, stderr } = dev({ STATUS_TOKEN: "from the environment" });
    const url = (await firstLine).slice("ready ".length);
    const health = await fetch(`${url}/healthz`);
    expect(health.status).toBe(503);
    expect(stderr()).toMatch(
      /not set: RUNNER_POLICY, GITHUB_WEBHOOK_SECRET, NOMAD_ADDR, NOMAD_TOKEN, GITHUB_TOKEN \(or/,
    );
    expect(stderr()).not.toContain(COMPLETE.CLAIM_KEY);
  });

  test.each([
    ["a port that is none", { PORT: "x" }, 'PORT must be a whole number from 0 to 65535, got "x"'],
    ["a policy that is not JSON", { RUNNER_POLICY: "{" }, "RUNNER_POLICY must be JSON"],
  ])("%s ends it with 1 and says so", async (_what, env, message) => {
    const { code, stderr, stdout } = dev(env);
    expect(await code).toBe(1);
    expect(stderr()).toContain(message);
    expect(stdout()).toBe("");
  });
});
