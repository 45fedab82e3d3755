import { spawn } from "node:child_process";
import { vaultRunSettings } from "./vault-run/settings";
import { vaultSession } from "./vault-run/vault-session";

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
  let isRevoked = false;
  let exitCode = 1;
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
    exitCode = await run(command, args, { ...inherited, ...values, VAULT_TOKEN: session.token });
  } finally {
    // Told here, not thrown: it would hide why the command failed.
    isRevoked = await session.end().then(
      () => true,
      (error: unknown) => {
        console.error(`${String(error)}\nWhat Vault issued lives on until its TTL ends.`);
        return false;
      },
    );
  }
  return isRevoked ? exitCode : exitCode || 1;
}

/** Has GitHub strike a value out of the log, and hold back every output that has it.
 *  @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log */
function mask(value: string): void {
  if (process.env["GITHUB_ACTIONS"] !== "true") return;
  for (const line of value.split(/\r?\n/).filter((it) => it.trim() !== "")) {
    console.log(`::add-mask::${line.replaceAll("%", "%25")}`);
  }
}

function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env: environment });
    // GitHub ends a step by a signal to this process: the command gets it, and the credentials are revoked after it.
    for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
    child.once("error", (error) => {
      reject(new Error(`${command} did not start: ${error.message}`));
    });
    child.once("close", (code, signal) => {
      if (signal !== null) console.error(`${command} was ended by ${signal}.`);
      resolve(code ?? 1);
    });
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
