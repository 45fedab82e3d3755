import { readFileSync } from "node:fs";
import { join } from "node:path";

const DIRECTORY = join(__dirname, "..", "..", "fixtures", "cdktf-diff");

/** What `cdktf diff` printed, as it was recorded; the file's own header says when and with what. */
export function recordedDiff(name: "changes" | "no-changes" | "failed"): string {
  return readFileSync(join(DIRECTORY, `${name}.txt`), "utf8")
    .split("\n")
    .filter((line) => !line.startsWith("## "))
    .join("\n");
}
