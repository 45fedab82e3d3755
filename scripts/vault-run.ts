import { spawn } from "node:child_process";
import { vaultRunSettings } from "./vault-run/settings";
import { type VaultSession, vaultSession } from "./vault-run/vault-session";
import { runMain } from "./support/run-main";

const USAGE = `Runs a command with credentials from Vault that end with it.
  tsx scripts/vault-run.ts npx cdktf diff …
In a workflow run with \`id-token: write\`. VAULT_ADDR, VAULT_ROLE; VAULT_READ has lines VARIABLE=path#field.
VAULT_AUTH_PATH (jwt-github) and VAULT_AUDIENCE (vault) as the role has them.`;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Logs in, runs the command with the credentials in its environment alone, revokes them, and ends as it ended. */
async function main([command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined) throw new Error(USAGE);
  const settings = vaultRunSettings(process.env);
  const session = await vaultSession(settings);
  let ended: Ended = { exitCode: 1, wasStopped: false };
  let isRevoked = false;
  try {
    mask(session.token);
    const values = await session.read(settings.readings);
    Object.values(values).forEach(mask);
    // What can issue another token stays here.
    const {
      ACTIONS_ID_TOKEN_REQUEST_URL: _url,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: _token,
      ...inherited
    } = process.env;
    ended = await run(command, args, { ...inherited, ...values, VAULT_TOKEN: session.token });
  } finally {
    isRevoked = !ended.wasStopped && (await revoke(session));
    if (!isRevoked) console.error("What Vault issued lives on until its TTL ends.");
  }
  return isRevoked ? ended.exitCode : ended.exitCode || 1;
}

/** Tells of a refusal and does not throw it, which would hide why the command failed. */
async function revoke(session: VaultSession): Promise<boolean> {
  try {
    await session.end();
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

interface Ended {
  readonly exitCode: number;
  /** By a signal to this process. `cdktf` ends at once by one, and Terraform goes on to write its state: it must keep the
   *  credentials for that. */
  readonly wasStopped: boolean;
}

/** Has GitHub strike a value out of the log, and hold back every output that has it.
 *  @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log */
function mask(value: string): void {
  if (process.env["GITHUB_ACTIONS"] !== "true") return;
  for (const line of value.split(/\r?\n/).filter((it) => it.trim() !== "")) {
    console.log(`::add-mask::${line.replaceAll("%", "%25")}`);
  }
}

function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env: environment });
    let wasStopped = false;
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        wasStopped = true;
        child.kill(signal);
      });
    }
    child.once("error", (error) => {
      reject(new Error(`${command} did not start: ${error.message}`));
    });
    child.once("close", (code, signal) => {
      if (signal !== null) console.error(`${command} was ended by ${signal}.`);
      resolve({ exitCode: code ?? 1, wasStopped });
    });
  });
}

runMain(main);
