import { spawn } from "node:child_process";
import os from "node:os";
import { join } from "node:path";
import type { Report } from "../../local/demo/report";
import { eventually } from "../support/eventually";
import { isAlive, type Leftovers, watchLeftovers } from "../support/leftovers";

const PROJECT = join(__dirname, "../..");

/** The demo gives itself 60 s on an idle machine; this one may be at work with other tests. */
const RUN_MS = 80_000;
const ENDING_MS = 5_000;

interface Run {
  readonly code: number | null;
  readonly report: Report;
  /** Whether its process, or any other of its group, outlived it. */
  readonly alive: boolean;
}

let leftovers: Leftovers;

beforeAll(() => {
  leftovers = watchLeftovers();
});

afterAll(async () => {
  const { processes, files } = await leftovers.end();
  // tsx keeps what it has compiled for its next run.
  expect({ processes, files: files.filter((name) => !/^tsx-\d+$/.test(name)) }).toEqual({
    processes: [],
    files: [],
  });
});

/** Runs what a reader of the README runs, with the demo's data as output. */
async function runDemo(env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const child = spawn("npm", ["run", "--silent", "demo", "--", "--json"], {
    cwd: PROJECT,
    env: { ...process.env, TMPDIR: os.tmpdir(), npm_config_update_notifier: "false", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that it can be seen whether all of it ends.
    detached: true,
    timeout: RUN_MS,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (!stdout.startsWith("{")) throw new Error(`the demo ended with ${String(code)}:\n${stderr}`);
  // npm may be gone a moment before what it started.
  const alone = await eventually(() => !isAlive(child), ENDING_MS);
  return { code, report: JSON.parse(stdout) as Report, alive: !alone };
}

const failing = ({ expectations }: Report): readonly string[] =>
  expectations.filter(({ ok }) => !ok).map(({ text }) => text);

/** Makes whoever sends an unsigned delivery believe that it was accepted, as from a Worker that checks nothing. */
const UNSIGNED_IS_ACCEPTED = `
  const { fetch } = globalThis;
  globalThis.fetch = async (url, init) => {
    const answer = await fetch(url, init);
    if (!String(url).endsWith("/webhook") || "X-Hub-Signature-256" in init.headers) return answer;
    await answer.text();
    return new Response(null, { status: 202 });
  };`;

describe("npm run demo -- --json", () => {
  test(
    "ends with 0, every expectation met, and figures that say that nothing is left",
    async () => {
      const { code, report, alive } = await runDemo();
      expect(failing(report)).toEqual([]);
      expect(report.expectations.length).toBeGreaterThan(5);
      expect([report.ok, code, alive]).toEqual([true, 0, false]);
      // Four that fit, two that do not, one told three times, one cancelled, two during the outage, a matrix of 16.
      expect(report.totals).toMatchObject({
        jobs: 26,
        jobsRun: 23,
        jobsIgnored: 2,
        runnersStarted: 23,
        runnersLeft: 0,
        forgedRefused: 2,
        duplicatesAbsorbed: 2,
      });
      const { queuedToRunningP50, queuedToRunningP95, seconds } = report.totals;
      expect(queuedToRunningP50).toBeGreaterThan(0);
      expect(queuedToRunningP95).toBeGreaterThanOrEqual(queuedToRunningP50);
      expect(seconds).toBeLessThan(60);
    },
    RUN_MS + 2 * ENDING_MS,
  );

  test(
    "ends with 1 and names the expectation when one is not met",
    async () => {
      const preload = `--import=data:text/javascript,${encodeURIComponent(UNSIGNED_IS_ACCEPTED)}`;
      const { code, report, alive } = await runDemo({ NODE_OPTIONS: preload });
      expect(failing(report)).toEqual(["forged deliveries are refused"]);
      expect(report.totals.forgedRefused).toBe(1);
      expect([report.ok, code, alive]).toEqual([false, 1, false]);
    },
    RUN_MS + 2 * ENDING_MS,
  );
});
