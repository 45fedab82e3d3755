import { App, TerraformResource } from "cdktf";
import {
  ConnectorDriver,
  GithubCredentials,
  NomadRoute,
  ProviderCredentials,
  RepositorySelection,
  RunnersStack,
  TaskDriver,
} from "../../../index";
import { STACK } from "./deployment";
import {
  ACCESS_TEAM,
  CLASS,
  GITHUB_APP_SECRET,
  HOSTNAME,
  NAMESPACE,
  NOMAD_HOSTNAME,
  PRIVATE,
  PROVIDERS_SECRET,
  PUBLIC,
  STATE_PATH,
  ZONE,
  readSettings,
} from "./settings";

/** The app that the live run deploys: a user's stack, with everything on loopback. */
const settings = readSettings();
const { runner, connector } = settings;
const app = new App();
const stack = new RunnersStack(app, STACK, {
  repositories: [RepositorySelection.named([PRIVATE, PUBLIC])],
  policy: { publicRepositories: [PUBLIC] },
  classes: [
    {
      className: CLASS,
      labels: ["self-hosted", "linux", "x64"],
      driver: TaskDriver.rawExec({ runnerRoot: runner.root, user: runner.user ?? "nobody" }),
      cpuMhz: 100,
      memoryMib: settings.runnerMemoryMib,
      maxRunners: settings.maxRunners,
      diskMib: 128,
    },
  ],
  github: GithubCredentials.vaultKv({
    mount: settings.kvMount,
    name: GITHUB_APP_SECRET,
    appId: settings.appId,
  }),
  cloudflare: { accountId: settings.accountId, zoneId: settings.zoneId, zoneName: ZONE },
  hostname: HOSTNAME,
  route: NomadRoute.tunnel({
    hostname: NOMAD_HOSTNAME,
    accessTeamName: ACCESS_TEAM,
    origin: settings.nomadUrl,
    vault: { kvMount: settings.kvMount, jwksUrl: `${settings.nomadUrl}/.well-known/jwks.json` },
    connector: {
      driver: ConnectorDriver.rawExec({ command: connector.command, environment: connector.environment }),
    },
  }),
  nomad: { apiAddress: settings.nomadUrl, namespace: NAMESPACE },
  vault: { address: settings.vaultUrl },
  consul: { address: settings.consulAddress, scheme: "http", path: STATE_PATH },
  githubServerUrl: settings.githubUrl,
  providers:
    settings.providers === "vault"
      ? ProviderCredentials.vaultKv({ mount: settings.kvMount, name: PROVIDERS_SECRET })
      : ProviderCredentials.environment(),
  generations: settings.generations,
});
// A Nomad that is not root can run nothing as another user, and not even as its own one by name.
if (runner.user === null) {
  for (const job of stack.runners.jobs) {
    const resource = job.node.findChild("Resource");
    if (!(resource instanceof TerraformResource)) throw new Error(`${resource.node.path} is no resource`);
    resource.addOverride("hcl2.vars.user", "");
  }
}
app.synth();
