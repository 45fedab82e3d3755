import { type Server, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { existsSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { someClaim, someJitConfig } from "./support/secrets";
import { Task, payload } from "./support/task";
import { type WorkerStub, workerStub } from "./support/worker-stub";

const granted = {
  status: 201,
  body: JSON.stringify({ runner_name: "0a1b2c-linux-2-1", encoded_jit_config: someJitConfig() }),
};

let task: Task;
let worker: WorkerStub;
let daemon: Server;
/** Paths that the daemon was asked for. */
let asked: string[];
/** What it says, in order; the last one again and again. */
let answers: readonly (readonly [status: number, body: string])[];

beforeEach(async () => {
  task = new Task();
  worker = await workerStub([granted]);
  asked = [];
  answers = [[200, "OK"]];
  daemon = createServer((request, response) => {
    const [status, body] = answers[Math.min(asked.length, answers.length - 1)] ?? [500, ""];
    asked.push(request.url ?? "");
    response.writeHead(status).end(body);
  });
});

afterEach(async () => {
  task.remove();
  await worker.close();
  daemon.closeAllConnections();
  await new Promise((resolve) => daemon.close(resolve));
});

const socket = (): string => join(task.directory, "docker.sock");
const listen = (where: string | number): Promise<void> =>
  new Promise((resolve) => {
    if (typeof where === "string") daemon.listen(where, resolve);
    else daemon.listen(where, "127.0.0.1", resolve);
  });

function start(host: string, env: Readonly<Record<string, string>> = {}): void {
  const defaults = { DOCKER_HOST: host, RUNNER_WAIT_FOR_DOCKER_SECONDS: "10", RUNNER_ALLOW_FORKS: "true" };
  const shown = payload(worker.claimUrl, someClaim());
  task.start({ payload: shown, plan: [{ job: {} }], env: { ...defaults, ...env } });
}

describe.each([
  ["/bin/sh", ["/bin/sh"]],
  ["bash in POSIX mode", ["bash", "--posix"]],
] as const)("with %s", (_, shell) => {
  test("the claim is shown when a daemon that comes late answers, not before", async () => {
    answers = [
      [503, "starting"],
      [200, "not OK"],
      [200, "OK"],
    ];
    const env = {
      DOCKER_HOST: `unix://${socket()}`,
      RUNNER_WAIT_FOR_DOCKER_SECONDS: "15",
      RUNNER_ALLOW_FORKS: "true",
      // The daemon is not asked by way of a proxy; the Worker may be.
      http_proxy: "http://127.0.0.1:1",
      no_proxy: "127.0.0.1",
    };
    task.start({ shell, payload: payload(worker.claimUrl, someClaim()), plan: [{ job: {} }], env });
    await new Promise((wake) => setTimeout(wake, 1_000));
    expect(worker.requests).toEqual([]);
    await listen(socket());
    expect(await task.exited()).toBe(0);
    expect(asked).toEqual(["/_ping", "/_ping", "/_ping"]);
    expect(worker.requests).toHaveLength(1);
  });
});

test("a daemon on a port is asked, too", async () => {
  await listen(0);
  const { port } = daemon.address() as AddressInfo;
  start(`tcp://127.0.0.1:${String(port)}`);
  expect(await task.exited()).toBe(0);
  expect(asked).toEqual(["/_ping"]);
});

test("a daemon that does not come in time ends the script, and no runner is asked for", async () => {
  start(`unix://${socket()}`, { RUNNER_WAIT_FOR_DOCKER_SECONDS: "1" });
  expect(await task.exited()).toBe(16);
  expect(task.output).toContain(`no Docker daemon at unix://${socket()} within 1 s; no runner started`);
  expect(worker.requests).toEqual([]);
  expect(existsSync(task.payloadFile)).toBe(false);
});

test("a daemon that answers and is none does not pass for one", async () => {
  answers = [[200, "<html>"]];
  await listen(socket());
  start(`unix://${socket()}`, { RUNNER_WAIT_FOR_DOCKER_SECONDS: "1" });
  expect(await task.exited()).toBe(16);
});

test("a signal ends the wait", async () => {
  start(`unix://${socket()}`);
  await new Promise((wake) => setTimeout(wake, 500));
  task.signal("SIGTERM");
  expect(await task.exited()).toBe(143);
  expect(worker.requests).toEqual([]);
});

test.each([
  "",
  "docker.example",
  "https://127.0.0.1:2376",
  "unix://",
  'unix:///x"\nurl = "http://x',
  "unix:///a b",
])("an address that is none (%j) is refused before anything is asked", async (host) => {
  start(host);
  expect(await task.exited()).toBe(10);
  expect(task.output).toContain(`DOCKER_HOST must be unix:///PATH or tcp://HOST:PORT, got '${host}'`);
  expect(worker.requests).toEqual([]);
});

test("without a time to wait nobody is asked", async () => {
  await listen(socket());
  start(`unix://${socket()}`, { RUNNER_WAIT_FOR_DOCKER_SECONDS: "0" });
  expect(await task.exited()).toBe(0);
  expect(asked).toEqual([]);
});

test("a copied runner has its externals copied for its daemon, and linked without one", async () => {
  await listen(socket());
  mkdirSync(join(task.root, "externals/node20"), { recursive: true });
  writeFileSync(join(task.root, "externals/node20/node"), "node");
  const externals = join(task.copy, "externals");
  for (const host of [`unix://${socket()}`, ""]) {
    const env = { DOCKER_HOST: host, RUNNER_COPY: "true", RUNNER_ALLOW_FORKS: "true" };
    task.start({ payload: payload(worker.claimUrl, someClaim()), plan: [{}, {}], env });
    const starts = host === "" ? 2 : 1;
    await task.until(() => task.events.filter((one) => one === "start").length === starts, "the listener");
    expect(lstatSync(externals).isSymbolicLink()).toBe(host === "");
    if (host === "") expect(readlinkSync(externals)).toBe(join(task.root, "externals"));
    else expect(existsSync(join(externals, "node20/node"))).toBe(true);
    task.signal("SIGTERM");
    expect(await task.exited()).toBe(143);
  }
  expect(existsSync(join(task.root, "externals/node20/node"))).toBe(true);
});
