import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";

/** What figures depend on: processor, memory, system. */
export function machineLines(): readonly string[] {
  const processors = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return [
    `${String(processors.length)} × ${processors[0]?.model.trim() ?? "unknown processor"}, ${memory} GiB of memory, ${type()} ${release()}`,
  ];
}

/** Version of a package that is installed. */
export function versionOf(name: string): string {
  const file = join(__dirname, "..", "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

/** Version of this package. */
export function ownVersion(): string {
  const file = join(__dirname, "..", "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}
