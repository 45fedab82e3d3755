import {
  GithubCredentials,
  NomadRoute,
  RepositorySelection,
  type RunnerClassProps,
  type RunnersStackProps,
  TaskDriver,
} from "../../index";
import { RUNNER_RELEASE } from "../../constructs/runner-release";

export const LINUX: RunnerClassProps = {
  className: "linux",
  labels: ["self-hosted", "linux", "x64"],
  driver: TaskDriver.docker({
    image: `ghcr.io/actions/actions-runner:2.336.0@sha256:${"a".repeat(64)}`,
  }),
  architecture: "x64",
};

export const LARGE: RunnerClassProps = {
  className: "large",
  labels: ["self-hosted", "linux", "x64", "large"],
  driver: TaskDriver.exec({ runnerRoot: "/opt/runner", user: "runner" }),
  architecture: "x64",
  cpuMhz: 8_000,
  memoryMib: 16_384,
  maxRunners: 2,
};

export const TUNNEL = {
  hostname: "nomad.example.com",
  accessTeamName: "octo-team",
  origin: "http://127.0.0.1:4646",
  vault: { kvMount: "kv" },
} as const;

/** A stack as a user may write it; no value is anybody's. */
export const SETTINGS: RunnersStackProps = {
  repositories: [RepositorySelection.named(["octo-org/example", "octo-org/tool"])],
  cloudflare: { accountId: "a".repeat(32), zoneId: "b".repeat(32), zoneName: "example.com" },
  hostname: "runners.example.com",
  route: NomadRoute.tunnel(TUNNEL),
  nomad: { apiAddress: "http://127.0.0.1:4646", namespace: "runners" },
  vault: { address: "http://127.0.0.1:8200" },
  consul: { address: "127.0.0.1:8500", scheme: "http", path: "terraform/github-runners" },
  github: GithubCredentials.variable({ appId: "123456" }),
  classes: [LINUX, LARGE],
  // A warning that comes with the days would change what tests see of the others.
  today: new Date(RUNNER_RELEASE.releasedOn),
};
