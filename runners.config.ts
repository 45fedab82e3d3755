import {
  GithubCredentials,
  NomadRoute,
  RepositorySelection,
  type RunnersStackProps,
  TaskDriver,
} from "./index";

/**
 * Your repositories, your cluster, your runners. The values below are examples: change each of them, then
 * `npx cdktf deploy` (docs/deploy.md). Synth checks all of it at once and says what is wrong. Secrets do not belong
 * here: they are generated, or come from the environment or Vault.
 *
 * A second stack beside this one needs a `name`, hostnames and a `consul.path` of its own.
 */
const settings: RunnersStackProps = {
  repositories: [RepositorySelection.owner({ owner: "your-name" })],
  classes: [
    {
      className: "linux",
      labels: ["self-hosted", "linux", "x64"],
      driver: TaskDriver.docker(),
      architecture: "x64",
    },
  ],
  github: GithubCredentials.secretsStore({
    appId: "123456",
    storeId: "00000000000000000000000000000000",
    secretName: "github-app-private-key",
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
    origin: "http://127.0.0.1:4646",
    vault: { kvMount: "kv" },
  }),

  nomad: { apiAddress: "https://nomad.service.consul:4646" },
  vault: { address: "https://vault.service.consul:8200" },
  consul: {
    address: "consul.service.consul:8501",
    path: "terraform/github-runners",
  },
};

export default settings;
