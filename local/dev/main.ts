import { existsSync, readFileSync } from "node:fs";
import { exitAfterClose } from "../worker/exit";
import { BindingError, startWorker } from "../worker/edge";
import { DevVarsError, parseDevVars } from "./dev-vars";
import { SettingError, devSettings } from "./settings";

/**
 * `npm run dev`: the Worker's bundle in workerd, on loopback. One line on stdout says where; everything else goes to
 * stderr. Ends with 0 on SIGTERM and SIGINT.
 */
async function main(): Promise<void> {
  // Before anything else, so that a signal during the start ends it cleanly, too.
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        resolve();
      });
    }
  });
  const file = ".dev.vars";
  const vars = existsSync(file) ? parseDevVars(readFileSync(file, "utf8")) : {};
  // What stands in the environment goes before the file.
  const settings = devSettings({ ...vars, ...process.env });
  if (settings.missing.length > 0) {
    complain(
      `not set: ${settings.missing.join(", ")}; until they are, /healthz answers 503 and nothing is accepted`,
    );
  }
  const worker = await startWorker({ ...settings, onLog: complain });
  console.log(`ready ${worker.url}`);
  await stopped;
  await worker.close();
  exitAfterClose(0);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(error: unknown): void {
  const known =
    error instanceof BindingError || error instanceof DevVarsError || error instanceof SettingError;
  complain(known ? `npm run dev: ${error.message}` : String(error instanceof Error ? error.stack : error));
  process.exit(1);
}

main().catch(fail);
