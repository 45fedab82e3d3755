import { App } from "cdktf";
import { RunnersStack } from "./index";
import settings from "./runners.config";

const app = new App();
new RunnersStack(app, "github-runners", settings);
app.synth();
