import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = join(__dirname, "../../jobs/docker-daemon.sh");
const TIMEOUT_MS = 20_000;

let directory: string;

function program(name: string, text: string): void {
  const file = join(directory, "bin", name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "docker-daemon-"));
  for (const name of ["bin", "alloc"]) mkdirSync(join(directory, name));
  // The image's, which starts the daemon: it tells how it was started.
  program(
    "dockerd-entrypoint.sh",
    '#!/bin/sh\necho "HOME=$HOME DOCKER_HOST=${DOCKER_HOST-unset}"\nprintf "%s\\n" "$@"\n',
  );
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function run(uid: number, environment: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  program("id", `#!/bin/sh\necho ${String(uid)}\n`);
  return spawnSync("sh", [SCRIPT], {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    env: {
      PATH: `${join(directory, "bin")}:${process.env["PATH"] ?? ""}`,
      HOME: "/home/rootless",
      DOCKER_HOST: "unix:///elsewhere.sock",
      DOCKER_SOCKET_GROUP: "1001",
      NOMAD_ALLOC_DIR: join(directory, "alloc"),
      NOMAD_TASK_DIR: join(directory, "local"),
      ...environment,
    },
  });
}

const started = (home: string, ...more: readonly string[]): string =>
  [
    `HOME=${home} DOCKER_HOST=unset`,
    "dockerd",
    `--host=unix://${directory}/alloc/docker.sock`,
    "--host=unix:///var/run/docker.sock",
    `--data-root=${directory}/alloc/docker`,
    ...more,
    "",
  ].join("\n");

test("a daemon that is root has its socket and data in the allocation, for the runner's group", () => {
  const { status, stdout } = run(0);
  expect([status, stdout]).toEqual([0, started("/home/rootless", "--group=1001")]);
  expect(existsSync(join(directory, "alloc", "docker"))).toBe(true);
});

test("a rootless daemon is the runner's user, with a home of its own", () => {
  expect(run(1_001).stdout).toBe(started(join(directory, "local")));
});

test("no daemon listens on TCP", () => {
  for (const uid of [0, 1_001]) {
    expect(run(uid).stdout).not.toContain("tcp://");
    rmSync(join(directory, "alloc", "docker"), { recursive: true });
  }
});

test("mirrors of Docker Hub are handed on, each by itself", () => {
  const DOCKER_REGISTRY_MIRRORS = "https://mirror.example.com http://10.0.0.1:5000";
  const mirrors = ["--registry-mirror=https://mirror.example.com", "--registry-mirror=http://10.0.0.1:5000"];
  expect(run(0, { DOCKER_REGISTRY_MIRRORS }).stdout).toBe(
    started("/home/rootless", "--group=1001", ...mirrors),
  );
});

test.each([
  [{ NOMAD_ALLOC_DIR: "alloc" }, "NOMAD_ALLOC_DIR must be an absolute path, got 'alloc'; Nomad sets it"],
  [{ DOCKER_SOCKET_GROUP: "docker" }, "DOCKER_SOCKET_GROUP must be the number of a group, got 'docker'"],
  [{ DOCKER_SOCKET_GROUP: "" }, "DOCKER_SOCKET_GROUP must be the number of a group, got ''"],
  [
    { DOCKER_REGISTRY_MIRRORS: "--insecure-registry=x" },
    "a registry mirror must be an http or https URL, got '--insecure-registry=x'",
  ],
])("%j starts no daemon", (environment, words) => {
  const { status, stdout, stderr } = run(0, environment);
  expect([status, stdout, stderr]).toEqual([10, "", `docker-daemon: ${words}\n`]);
});

test("a second daemon in one allocation is refused: its data would be another's", () => {
  mkdirSync(join(directory, "alloc", "docker"));
  const { status, stderr } = run(0);
  expect(status).toBe(10);
  expect(stderr).toContain(`docker-daemon: cannot create ${directory}/alloc/docker\n`);
});
