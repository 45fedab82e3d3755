import {
  GithubCredentials,
  NomadRoute,
  ProviderCredentials,
  RepositorySelection,
  RunnerGroup,
  RunnerScope,
  type RunnersStackProps,
  TaskDriver,
  WarmPool,
} from "../index";

/**
 * Two organizations and a personal account, served by one Worker and one set of runner classes. The first organization is
 * on GitHub Free, so its runners are in the default group and serve all of it; the second has a group of two repositories,
 * for which its plan must be Team or Enterprise. In office hours three runners of the second are kept ready, and one of
 * the personal account's always. With several owners, both GitHub credentials are Apps.
 */
const settings: RunnersStackProps = {
  scopes: [
    RunnerScope.organization("your-org"),
    RunnerScope.organization("your-company", {
      group: RunnerGroup.create({
        name: "On demand",
        repositories: ["your-company/api", "your-company/web"],
      }),
    }),
    RunnerScope.repositories([RepositorySelection.named(["your-name/your-repository"])]),
  ],
  classes: [
    {
      className: "linux",
      labels: ["self-hosted", "linux", "x64"],
      driver: TaskDriver.docker(),
      nodePool: "runners",
      // More than the pools keep: the rest is for whoever comes.
      maxRunners: 12,
    },
  ],
  pools: [
    WarmPool.scheduled({
      className: "linux",
      scope: "your-company",
      size: 3,
      window: "* 8-17 * * 1-5",
      timeZone: "Europe/Berlin",
    }),
    WarmPool.always({ className: "linux", scope: "your-name/your-repository", size: 1 }),
  ],
  github: GithubCredentials.secretsStore({
    appId: "123456",
    storeId: "00000000000000000000000000000000",
    secretName: "github-app-private-key",
  }),
  providers: ProviderCredentials.environment({
    githubApp: {
      appId: "234567",
      installations: { "your-org": "10000001", "your-company": "10000002", "your-name": "10000003" },
    },
  }),
  cloudflare: {
    accountId: "00000000000000000000000000000000",
    zoneId: "00000000000000000000000000000000",
    zoneName: "example.com",
  },
  hostname: "runners.example.com",
  route: NomadRoute.tunnel({
    hostname: "nomad.example.com",
    accessTeamName: "your-team",
    origin: "https://nomad.service.consul:4646",
    vault: { kvMount: "kv" },
  }),
  nomad: { apiAddress: "https://nomad.service.consul:4646" },
  vault: { address: "https://vault.service.consul:8200" },
  consul: { address: "consul.service.consul:8501", path: "terraform/github-runners" },
};

export default settings;
