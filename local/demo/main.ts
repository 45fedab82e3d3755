import { type Loop, startLoop } from "../loop";
import { exitAfterClose } from "../worker/exit";
import { type Report, makeReport } from "./report";
import { Scenario } from "./scenario";
import { Screen, type Terminal } from "./screen";
import { Timeline } from "./timeline";

/** A demo that hangs is a demo that failed. */
const WATCHDOG_MS = 100_000;
/** What still ends after the last job: each runner's own clean-up. */
const SETTLE_MS = 15_000;

/**
 * `npm run demo`: the whole loop on loopback, drawn as it happens; with `--json` the same as data. Ends with 1 when
 * anything is not as it has to be.
 */
async function main(): Promise<number> {
  const json = process.argv.includes("--json");
  const screen = new Screen(json ? silent() : terminal());
  const began = Date.now();
  const stopped = whenStopped();
  for (const line of INTRODUCTION) screen.line(screen.paint("dim", line));
  const loop = await startLoop();
  try {
    for (const note of loop.notes) screen.line(screen.paint("yellow", note));
    const timeline = new Timeline(loop.github.events, loop.nomad.events, () => {
      screen.changed();
    });
    const play = new Scenario(loop, timeline, screen).play();
    const played = await Promise.race([play, brokenRunner(loop), stopped]);
    await settle(loop);
    const seconds = Math.round((Date.now() - began) / 100) / 10;
    const report = makeReport(loop, timeline, played, seconds);
    if (json) console.log(JSON.stringify({ ...report, scenes: timeline.scenes }, null, 2));
    else print(screen, report);
    return report.ok ? 0 : 1;
  } catch (error) {
    screen.finish();
    if (!(error instanceof Stopped))
      complain(`The Worker's last lines:\n${loop.worker.logs().slice(-10).join("\n")}`);
    throw error;
  } finally {
    screen.finish();
    await loop.close();
  }
}

const INTRODUCTION = [
  "One waiting job becomes one runner, then nothing runs.",
  "The Worker is the bundle that would be deployed, in workerd; GitHub and Nomad are stand-ins on this machine;",
  "the runners are the project's own scripts, with a listener that works like GitHub's.",
];

/** The demo is to end before its end. */
class Stopped extends Error {
  override readonly name = "Stopped";
  readonly code: number;
  constructor(code: number, why: string) {
    super(why);
    this.code = code;
  }
}

/** Fails when someone or the clock wants the demo to end; it is watched from before the first process starts. */
function whenStopped(): Promise<never> {
  const stopped = new Promise<never>((_resolve, reject) => {
    const stop = (code: number, why: string) => (): void => {
      reject(new Stopped(code, why));
    };
    process.once("SIGINT", stop(130, "stopped by SIGINT"));
    process.once("SIGTERM", stop(143, "stopped by SIGTERM"));
    // Whoever read along has gone.
    process.stdout.on("error", stop(1, "nobody reads any more"));
    setTimeout(stop(1, `did not end within ${String(WATCHDOG_MS / 1000)} s`), WATCHDOG_MS).unref();
  });
  // It is looked at only once the loop has started.
  stopped.catch(() => undefined);
  return stopped;
}

/** Fails as soon as a runner ends in error: no use waiting for its job then. */
function brokenRunner({ nomad }: Loop): Promise<never> {
  return new Promise((_resolve, reject) => {
    nomad.events.on("event", (event) => {
      // A task without a code was ended by a signal: the demo itself is being stopped.
      if (event.type !== "task.exited" || event.code === 0 || event.code === null) return;
      const child = nomad.children().find(({ id }) => id === event.child);
      const output = child?.allocations
        .flatMap(({ tasks }) => tasks)
        .find(({ name }) => name === event.task)?.output;
      reject(new Error(`the task "${event.task}" ended with ${String(event.code)}:\n${output ?? ""}`));
    });
  });
}

/** Lets the last runners leave, then lets the cron's sweep look once. */
async function settle(loop: Loop): Promise<void> {
  const end = Date.now() + SETTLE_MS;
  while (Date.now() < end && loop.nomad.children().some(({ status }) => status !== "dead")) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await loop.worker.sweep();
}

function print(screen: Screen, { ok, totals, expectations }: Report): void {
  const rows: readonly (readonly [string, string])[] = [
    [
      "jobs queued / run / ignored",
      `${String(totals.jobs)} / ${String(totals.jobsRun)} / ${String(totals.jobsIgnored)}`,
    ],
    ["runners started", String(totals.runnersStarted)],
    ["runners left", String(totals.runnersLeft)],
    ["forged deliveries refused", String(totals.forgedRefused)],
    ["duplicate deliveries absorbed", String(totals.duplicatesAbsorbed)],
    [
      "queued → running, p50 / p95",
      `${String(totals.queuedToRunningP50)} / ${String(totals.queuedToRunningP95)} ms (without the outage's)`,
    ],
    ["seconds", String(totals.seconds)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  screen.line();
  screen.line(screen.paint("bold", "Afterwards"));
  for (const [name, value] of rows) screen.line(`  ${name.padEnd(width)}  ${value}`);
  screen.line();
  screen.line(screen.paint("bold", "Expected"));
  for (const { ok: met, text, seen } of expectations) {
    const mark = met ? screen.paint("green", "✓") : screen.paint("red", "✗");
    screen.line(`  ${mark} ${text} ${screen.paint("dim", `(${seen})`)}`);
  }
  screen.line();
  screen.line(ok ? screen.paint("green", "All as expected.") : screen.paint("red", "Not all as expected."));
}

function terminal(): Terminal {
  const { stdout } = process;
  const { env } = process;
  const isTty = stdout.isTTY;
  return {
    write: (text) => stdout.write(text),
    live: isTty && env["TERM"] !== "dumb",
    colours: isTty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    height: isTty ? stdout.rows : 0,
    width: isTty ? stdout.columns : 0,
  };
}

function silent(): Terminal {
  return { write: () => undefined, live: false, colours: false, height: 0, width: 0 };
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

main().then(exitAfterClose, (error: unknown) => {
  complain(`npm run demo: ${error instanceof Error ? error.message : String(error)}`);
  exitAfterClose(error instanceof Stopped ? error.code : 1);
});
