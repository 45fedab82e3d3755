import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { referencePages } from "./support/reference";

/** `npm run docs`: writes the reference pages anew from `contracts/`. */
for (const [path, text] of referencePages()) {
  const file = join(__dirname, "..", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(path);
}
