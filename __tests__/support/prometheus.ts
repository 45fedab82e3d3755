/** One sample of a scrape: `name{label="value"} 1`, its labels sorted. */
export type Samples = ReadonlyMap<string, number>;

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

/**
 * Reads Prometheus's text format as strictly as a scrape does: a TYPE before a family's samples, each family once,
 * no sample twice, numbers only, and a line break at the end.
 * @throws Error that names the line which is wrong
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function readSamples(text: string): Samples {
  if (!text.endsWith("\n")) throw new Error("the last line has no line break");
  const samples = new Map<string, number>();
  const families = new Set<string>();
  let family = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, declared = "", type = ""] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (declared !== "") {
      if (!NAME.test(declared) || type !== "gauge" || families.has(declared))
        throw new Error(`wrong type: ${line}`);
      families.add(declared);
      family = declared;
      continue;
    }
    const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    if (name === "" || name !== family) throw new Error(`wrong sample: ${line}`);
    const key = `${name}${readLabels(labels, line)}`;
    if (samples.has(key)) throw new Error(`sample twice: ${line}`);
    if (!/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(value)) throw new Error(`wrong number: ${line}`);
    samples.set(key, Number(value));
  }
  return samples;
}

function readLabels(text: string, line: string): string {
  const labels: string[] = [];
  for (let rest = text; rest !== "";) {
    const [whole = "", name = "", value = ""] = LABEL.exec(rest) ?? [];
    if (whole === "") throw new Error(`wrong labels: ${line}`);
    labels.push(`${name}="${value}"`);
    rest = rest.slice(whole.length);
  }
  return labels.length === 0 ? "" : `{${labels.sort().join(",")}}`;
}
