import { App, TerraformResource } from "cdktf";
import { RunnersStack } from "../../../index";
import { STACK } from "./deployment";
import settings from "./runners.config";
import { readSettings } from "./settings";

const app = new App();
const stack = new RunnersStack(app, STACK, settings);
// A Nomad that is not root can run nothing as another user, and not even as its own one by name.
if (readSettings().runner.user === null) {
  for (const job of stack.runners.jobs) {
    const resource = job.node.findChild("Resource");
    if (!(resource instanceof TerraformResource)) throw new Error(`${resource.node.path} is no resource`);
    resource.addOverride("hcl2.vars.user", "");
  }
}
app.synth();
