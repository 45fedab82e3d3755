import { spawn } from "node:child_process";

/** How a program ended. */
export interface Ended {
  /** 128 and more where a signal ended it. */
  readonly code: number;
  /** What it printed, both streams as they came, without colours. */
  readonly output: string;
  readonly seconds: number;
}

export interface RunningProgram {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  output(): string;
  /** Asks it and all that it started to end, and kills what does not. Safe to call twice. */
  end(): Promise<void>;
}

export interface ProgramOptions {
  readonly directory: string;
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** From SIGINT, which Terraform takes as "stop after what is in hand and give the lock back", to SIGKILL. */
const GRACE_MS = 20_000;
const SIGNALLED = 128;

/** Starts a program in a process group of its own: Ctrl-C is for the one who started it. */
export function startProgram(
  file: string,
  args: readonly string[],
  { directory, environment }: ProgramOptions,
): RunningProgram {
  const began = Date.now();
  const child = spawn(file, args, {
    cwd: directory,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      output += withoutColours(chunk);
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    const end = (code: number): void => {
      resolve({ code, output, seconds: (Date.now() - began) / 1000 });
    };
    child.once("error", (error) => {
      output += String(error);
      end(SIGNALLED - 1);
    });
    child.once("close", (code) => {
      end(code ?? SIGNALLED);
    });
  });
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The whole group has ended.
    }
  };
  return {
    pid: child.pid ?? 0,
    ended,
    output: () => output,
    end: async () => {
      signal("SIGINT");
      const killer = setTimeout(signal, GRACE_MS, "SIGKILL");
      await ended;
      clearTimeout(killer);
      // What outlived the one it belonged to.
      signal("SIGKILL");
    },
  };
}

/** @see https://en.wikipedia.org/wiki/ANSI_escape_code#CSI */
function withoutColours(text: string): string {
  // eslint-disable-next-line no-control-regex -- colours begin with a control character
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
