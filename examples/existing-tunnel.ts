import {
  GithubCredentials,
  NomadRoute,
  RepositorySelection,
  RUNNER_RELEASE,
  type RunnersStackProps,
  TaskDriver,
} from "../index";

/**
 * A tunnel of your own, or another way to Nomad, with an Access application of your own: the service token comes as
 * `TF_VAR_access_client_id` and `TF_VAR_access_client_secret`. No Vault. Repositories are chosen by topic, and two public
 * ones get runners for everything but forks' pull requests.
 */
const settings: RunnersStackProps = {
  repositories: [RepositorySelection.topic({ owner: "your-name", topic: "self-hosted" })],
  policy: { publicRepositories: ["your-name/website", "your-name/docs-*"] },
  classes: [
    {
      className: "linux",
      labels: ["self-hosted", "linux", "x64"],
      driver: TaskDriver.exec({ archive: RUNNER_RELEASE.archives.x64, user: "runner" }),
      architecture: "x64",
    },
  ],
  github: GithubCredentials.variable(),
  cloudflare: {
    accountId: "00000000000000000000000000000000",
    zoneId: "00000000000000000000000000000000",
    zoneName: "example.com",
  },
  hostname: "runners.example.com",
  route: NomadRoute.existing({ address: "https://nomad.example.com" }),
  nomad: { apiAddress: "https://nomad.service.consul:4646", namespace: "ci" },
  consul: { address: "consul.service.consul:8501", path: "terraform/github-runners" },
};

export default settings;
