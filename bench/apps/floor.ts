import { App, TerraformStack } from "cdktf";

/** What every synthesis costs, whatever is in it: Node, tsx, cdktf, and one stack with nothing in it. */
const app = new App();
new TerraformStack(app, "empty");
app.synth();
