import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { deriveModel } from "./diagram/derive";
import { diagramFiles } from "./diagram/files";
import { synthesizeApp } from "./diagram/synthesized";

/** `npm run diagram`: writes the C4 views and their model anew from the synthesized stack. */
function main(): number {
  try {
    for (const [path, text] of diagramFiles(deriveModel(synthesizeApp()))) {
      writeFileSync(join(__dirname, "..", path), text);
      console.log(path);
    }
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

process.exitCode = main();
