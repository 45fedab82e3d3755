import {
  GithubCredentials,
  NomadRoute,
  RepositorySelection,
  type RunnersStackProps,
  TaskDriver,
} from "../index";

/**
 * One private repository of a personal account, at home: one runner class, one node, so one connector. The Worker registers
 * runners with a fine-grained token that lies in Vault.
 */
const settings: RunnersStackProps = {
  repositories: [RepositorySelection.named(["your-name/your-repository"])],
  classes: [
    {
      className: "linux",
      labels: ["self-hosted", "linux"],
      driver: TaskDriver.docker(),
      maxRunners: 2,
    },
  ],
  github: GithubCredentials.vaultKv({ mount: "kv", name: "github-runners/github" }),
  cloudflare: {
    accountId: "00000000000000000000000000000000",
    zoneId: "00000000000000000000000000000000",
    zoneName: "example.com",
  },
  hostname: "runners.example.com",
  route: NomadRoute.tunnel({
    hostname: "nomad.example.com",
    accessTeamName: "your-team",
    origin: "http://127.0.0.1:4646",
    vault: { kvMount: "kv" },
    connector: { count: 1 },
  }),
  nomad: { apiAddress: "http://127.0.0.1:4646" },
  vault: { address: "http://127.0.0.1:8200" },
  consul: { address: "127.0.0.1:8500", scheme: "http", path: "terraform/github-runners" },
};

export default settings;
