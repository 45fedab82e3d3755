import {
  ConnectorDriver,
  GithubCredentials,
  NomadRoute,
  ProviderCredentials,
  RepositorySelection,
  RunnerGroup,
  RunnerScope,
  type RunnersStackProps,
  TaskDriver,
} from "../../../index";
import {
  ACCESS_TEAM,
  CLASS,
  GITHUB_APP_SECRET,
  GROUP,
  HOSTNAME,
  NAMESPACE,
  NOMAD_HOSTNAME,
  OWNER,
  PRIVATE,
  PROVIDERS_SECRET,
  PUBLIC,
  STATE_PATH,
  ZONE,
  readSettings,
} from "./settings";

const { runner, connector, ...given } = readSettings();

const WHOSE = {
  repository: {
    repositories: [RepositorySelection.named([PRIVATE, PUBLIC])],
    policy: { publicRepositories: [PUBLIC] },
  },
  organization: {
    scopes: [
      RunnerScope.organization(OWNER, {
        group: RunnerGroup.create({ name: GROUP, repositories: [PRIVATE] }),
      }),
    ],
  },
} satisfies Record<typeof given.scope, Partial<RunnersStackProps>>;

/** What a user would write in runners.config.ts, with everything on loopback. */
const settings: RunnersStackProps = {
  ...WHOSE[given.scope],
  classes: [
    {
      className: CLASS,
      labels: ["self-hosted", "linux", "x64"],
      driver: TaskDriver.rawExec({
        runnerRoot: runner.root,
        user: runner.user ?? "nobody",
        iKnowThisIsNotIsolated: true,
      }),
      cpuMhz: 100,
      memoryMib: given.runnerMemoryMib,
      maxRunners: given.maxRunners,
      diskMib: 128,
    },
  ],
  github: GithubCredentials.vaultKv({
    mount: given.kvMount,
    name: GITHUB_APP_SECRET,
    appId: given.appId,
  }),
  cloudflare: { accountId: given.accountId, zoneId: given.zoneId, zoneName: ZONE },
  hostname: HOSTNAME,
  route: NomadRoute.tunnel({
    hostname: NOMAD_HOSTNAME,
    accessTeamName: ACCESS_TEAM,
    origin: given.nomadUrl,
    vault: { kvMount: given.kvMount, jwksUrl: `${given.nomadUrl}/.well-known/jwks.json` },
    connector: {
      driver: ConnectorDriver.rawExec({ command: connector.command, environment: connector.environment }),
    },
  }),
  nomad: { apiAddress: given.nomadUrl, namespace: NAMESPACE },
  vault: { address: given.vaultUrl },
  consul: { address: given.consulAddress, scheme: "http", path: STATE_PATH },
  githubServerUrl: given.githubUrl,
  providers:
    given.providers === "vault"
      ? ProviderCredentials.vaultKv({ mount: given.kvMount, name: PROVIDERS_SECRET })
      : ProviderCredentials.environment(),
  generations: given.generations,
};

export default settings;
