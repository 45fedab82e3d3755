import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Check, check, notHere } from "../report";
import { type DriverVariant, driverVariants } from "./driver-variants";
import type { World } from "./place";

/** A task's driver and what it is asked for, by the task's name. */
type Configs = Readonly<Record<string, { readonly driver: string; readonly config: unknown }>>;

const RECORDING = join(__dirname, "../../fixtures/nomad-drivers/variants.json");
/** Variables that are expressions; the others are texts. */
const EXPRESSIONS = new Set([
  ...["datacenters", "constraints", "volumes", "archive", "dns", "egress", "docker"],
]);
/** What only a machine with the driver, the runtime or the processor can show. */
const NOT_HERE = [
  ["a workflow job in a container of Docker's, with each kind of private daemon", "docker"],
  ["a workflow job in a container of Podman's", "podman"],
] as const;

interface ApiJob {
  readonly TaskGroups: readonly {
    readonly Tasks: readonly { readonly Name: string; readonly Driver: string; readonly Config: unknown }[];
  }[];
}

/**
 * Every variant of the job through Nomad, which reads it with its variables, validates it, and registers it nowhere. What each
 * driver is asked for is held to the recording that `npm test` holds to the drivers' own schemas; RECORD_DRIVER_VARIANTS=1
 * writes it anew.
 */
export async function playDrivers({ agent, drivers }: Pick<World, "agent" | "drivers">): Promise<Check[]> {
  const refused: string[] = [];
  const configs: Record<string, Configs> = {};
  const variants = driverVariants();
  for (const variant of variants) {
    const Job = (await agent.call("POST", "/v1/jobs/parse", {
      JobHCL: variant.jobText,
      Variables: variableFile(variant),
    })) as ApiJob;
    const { Error: error } = (await agent.call("POST", "/v1/validate/job", { Job })) as {
      readonly Error: string;
    };
    if (error !== "") refused.push(`${variant.name}: ${error}`);
    configs[variant.name] = configsOf(Job);
  }
  if (process.env["RECORD_DRIVER_VARIANTS"] === "1") {
    writeFileSync(RECORDING, `${JSON.stringify(configs, null, 2)}\n`);
  }
  const recorded = JSON.parse(readFileSync(RECORDING, "utf8")) as Readonly<Record<string, Configs>>;
  const names = new Set([...Object.keys(configs), ...Object.keys(recorded)]);
  const different = [...names].filter((name) => !isDeepStrictEqual(configs[name], recorded[name]));
  return [
    check(`Nomad takes all ${String(variants.length)} ways to write a class's job`, refused),
    check(
      "each asks its driver for what was recorded, which npm test holds to the driver's schema",
      different,
    ),
    ...NOT_HERE.filter(([, driver]) => !drivers.includes(driver)).map(([what, driver]) =>
      notHere(what, `no healthy ${driver} driver; its schema takes the job`),
    ),
    notHere("sysbox-runc, kata and arm64", "no such runtime or processor is asked for; the job is read"),
  ];
}

/** As a `.nomadvars` file says it. HCL's strings are JSON's, but for the two marks of a template. */
function variableFile({ vars }: DriverVariant): string {
  const lines = Object.entries(vars).map(([name, value]) => {
    const quoted = JSON.stringify(value).replace(/[$%]\{/g, (mark) => mark.charAt(0) + mark);
    return `${name} = ${EXPRESSIONS.has(name) ? value : quoted}`;
  });
  return `${lines.join("\n")}\n`;
}

function configsOf({ TaskGroups }: ApiJob): Configs {
  const tasks = TaskGroups.flatMap(({ Tasks }) => Tasks);
  return Object.fromEntries(
    tasks.map(({ Name, Driver, Config }) => [Name, { driver: Driver, config: Config }]),
  );
}
