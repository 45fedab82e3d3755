import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { NomadAgent } from "../nomad-agent";
import { type Check, check } from "../report";
import { type DriverVariant, driverVariants } from "./driver-variants";

/** A task's driver and what it is asked for, by the task's name. */
type Configs = Readonly<Record<string, { readonly driver: string; readonly config: unknown }>>;

const RECORDING = join(__dirname, "../../fixtures/nomad-drivers/variants.json");
const TIMEOUT_MS = 30_000;

interface ApiJob {
  readonly TaskGroups: readonly {
    readonly Tasks: readonly { readonly Name: string; readonly Driver: string; readonly Config: unknown }[];
  }[];
}

/**
 * Every variant of the job through Nomad: read by the program with its variables, validated by the agent, and registered
 * nowhere. What each driver is asked for is held to the recording that `npm test` holds to the drivers' own schemas;
 * RECORD_DRIVER_VARIANTS=1 writes it anew.
 * @param program the `nomad` to read with
 */
export async function playDrivers(agent: NomadAgent, program: string): Promise<readonly Check[]> {
  const read: [DriverVariant, ApiJob][] = driverVariants().map((it) => [it, readJob(program, it)]);
  const refused: string[] = [];
  for (const [{ name }, Job] of read) {
    const { Error: error } = (await agent.call("POST", "/v1/validate/job", { Job })) as {
      readonly Error: string;
    };
    if (error !== "") refused.push(`${name}: ${error}`);
  }
  const configs = Object.fromEntries(read.map(([{ name }, job]) => [name, configsOf(job)]));
  if (process.env["RECORD_DRIVER_VARIANTS"] === "1") {
    writeFileSync(RECORDING, `${JSON.stringify(configs, null, 2)}\n`);
  }
  const recorded = JSON.parse(readFileSync(RECORDING, "utf8")) as Readonly<Record<string, Configs>>;
  const names = new Set([...Object.keys(configs), ...Object.keys(recorded)]);
  const different = [...names].filter((name) => !isDeepStrictEqual(configs[name], recorded[name]));
  return [
    check(`Nomad takes all ${String(read.length)} ways to write a class's job`, refused),
    check(
      "each asks its driver for what was recorded, which npm test holds to the driver's schema",
      different,
    ),
  ];
}

/** @throws Error with what Nomad says of a variant */
function readJob(program: string, { name, jobText, vars }: DriverVariant): ApiJob {
  const given = Object.entries(vars).flatMap(([key, value]) => ["-var", `${key}=${value}`]);
  const run = spawnSync(program, ["job", "run", "-output", ...given, "-"], {
    input: jobText,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  if (run.status !== 0) throw new Error(`Nomad does not read the job with ${name}: ${run.stderr}`);
  return (JSON.parse(run.stdout) as { readonly Job: ApiJob }).Job;
}

function configsOf({ TaskGroups }: ApiJob): Configs {
  const tasks = TaskGroups.flatMap(({ Tasks }) => Tasks);
  return Object.fromEntries(
    tasks.map(({ Name, Driver, Config }) => [Name, { driver: Driver, config: Config }]),
  );
}
