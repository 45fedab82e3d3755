import {
  GithubCredentials,
  NomadRoute,
  ProviderCredentials,
  RepositorySelection,
  type RunnersStackProps,
  TaskDriver,
} from "../index";

/**
 * An organization: one webhook for all its repositories, runners that register at the organization, two sizes. All
 * credentials but those of Vault and Consul come from Vault; the GitHub App's key never does: it lies in Cloudflare's
 * Secrets Store.
 */
const settings: RunnersStackProps = {
  repositories: [RepositorySelection.organization({ organization: "your-org" })],
  policy: { scope: "organization" },
  classes: [
    {
      className: "linux",
      labels: ["self-hosted", "linux", "x64"],
      driver: TaskDriver.docker(),
      architecture: "x64",
      nodePool: "runners",
    },
    {
      className: "linux-large",
      labels: ["self-hosted", "linux", "x64", "large"],
      driver: TaskDriver.docker(),
      architecture: "x64",
      nodePool: "runners",
      cpuMhz: 16_000,
      memoryMib: 32_768,
      diskMib: 51_200,
      maxRunners: 4,
    },
  ],
  github: GithubCredentials.secretsStore({
    appId: "123456",
    storeId: "00000000000000000000000000000000",
    secretName: "github-app-private-key",
  }),
  providers: ProviderCredentials.vaultKv({ mount: "kv", name: "github-runners/providers" }),
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
