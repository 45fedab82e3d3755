import { App } from "cdktf";
import { RunnersStack } from "./index";
import settings from "./runners.config";

const app = new App();
new RunnersStack(app, "github-runners", settings);
try {
  app.synth();
} catch (error) {
  if (!(error instanceof Error) || !error.message.startsWith("Validation failed")) throw error;
  // What is wrong with the settings, without a trace through cdktf, and without its advice to skip the checks.
  console.error(error.message.replace(/\n\s*If you wish to ignore[^]*$/, "\n"));
  process.exitCode = 1;
}
