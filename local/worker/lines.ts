import type { Readable } from "node:stream";

/** Calls `each` for every line of a stream, without its end; the last one needs none. */
export function onLines(stream: Readable, each: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) each(line);
  });
  stream.on("end", () => {
    if (rest !== "") each(rest);
    rest = "";
  });
}
