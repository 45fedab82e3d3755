import { GithubCredentials, type RunnersStackProps, TaskDriver } from "./index";

/**
 * Your cluster, your repositories, your runners. The values below are examples: change each of them, then
 * `npx cdktf deploy`. Synth checks all of it at once and says what is wrong. Secrets do not belong here: they come as
 * `TF_VAR_…` (see constructs/runners-stack.ts).
 */
const settings: RunnersStackProps = {
  cloudflare: {
    accountId: "00000000000000000000000000000000",
    zoneId: "00000000000000000000000000000000",
  },
  hostname: "runners.example.com",
  nomad: {
    apiAddress: "https://nomad.service.consul:4646",
    workerAddress: "https://nomad.example.com",
    namespace: "github-runners",
  },
  consul: {
    address: "consul.service.consul:8501",
    path: "terraform/github-runners",
  },
  github: GithubCredentials.secretsStore({
    appId: "123456",
    storeId: "00000000000000000000000000000000",
    secretName: "github-app-private-key",
  }),
  policy: {
    repositories: ["your-name/*"],
  },
  classes: [
    {
      className: "linux",
      labels: ["self-hosted", "linux", "x64"],
      driver: TaskDriver.docker({ image: "ghcr.io/actions/actions-runner:2.336.0" }),
      constraints: [{ attribute: "${attr.cpu.arch}", value: "amd64" }],
    },
  ],
};

export default settings;
