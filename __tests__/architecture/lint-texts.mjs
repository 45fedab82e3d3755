// Lints texts as if they were the content of files of this project, each with that file's program and rules. Reads
// [{file, text}] from stdin, writes [[ruleId, …], …] to stdout. A process of its own: ESLint loads its configuration as
// an ES module, which jest's module system cannot.
import { text } from "node:stream/consumers";
import { ESLint } from "eslint";

// Where CI is set, the parser takes it that a file has one content, and answers a second text from the first one's tree.
process.env.TSESTREE_SINGLE_RUN = "false";

const eslint = new ESLint();
const found = [];
for (const { file, text: source } of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(source, { filePath: file });
  found.push(result.messages.map(({ ruleId, message }) => ruleId ?? message));
}
process.stdout.write(JSON.stringify(found));
