import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installCurl, isOnPath, pathWithCurl } from "../../local/curl/find";
import { freePort } from "../../local/http/free-port";
import { type LoopbackServer, serve } from "../../local/http/serve";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How the runner's scripts call it: everything about the request comes by standard input. */
const OPTIONS = ["--disable", "--silent", "--show-error", "--include", "--connect-timeout", "10"];
const WRITE_OUT = ["--write-out", "\\n%{http_code}", "--config", "-"];

const hasCurl = isOnPath("curl", process.env["PATH"] ?? "");
const PROGRAMS = hasCurl ? ["the machine's curl", "the stand-in"] : ["the stand-in"];
if (!hasCurl)
  console.warn("no curl on this machine: the stand-in is tried alone, without the real one to compare");

describe.each(PROGRAMS)("%s, as the runner's scripts call it", (which) => {
  let directory: string;
  let program: string;
  let server: LoopbackServer;
  const seen: { method: string; headers: Record<string, string>; body: string }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "curl-test-"));
    program = which === "the stand-in" ? join(directory, "curl") : "curl";
    await installCurl(directory);
    server = await serve(async (request, { incoming }) => {
      const headers: Record<string, string> = {};
      request.headers.forEach((value, name) => {
        headers[name] = value;
      });
      seen.push({ method: request.method, headers, body: await request.text() });
      const { pathname } = new URL(request.url);
      if (pathname === "/drop") incoming.socket.destroy();
      if (pathname === "/slow" || pathname === "/drop") return new Promise<Response>(() => undefined);
      if (pathname === "/redirect")
        return new Response(null, { status: 302, headers: { Location: "/elsewhere" } });
      if (pathname === "/empty") return new Response(null, { status: 204 });
      return new Response('{"ok":true}', { status: 503, headers: { "Retry-After": "7" } });
    });
  });
  afterAll(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    seen.length = 0;
  });

  const run = (args: readonly string[], config: string): Promise<Ended> =>
    new Promise((resolve) => {
      const child = spawn(program, [...args], { stdio: ["pipe", "pipe", "pipe"] });
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      child.on("close", (code) => {
        resolve({ code, stdout, stderr });
      });
      child.stdin.on("error", () => undefined);
      child.stdin.end(config);
    });
  const ask = (path: string, method = "POST", seconds = "5"): Promise<Ended> =>
    run(
      [...OPTIONS, "--max-time", seconds, ...WRITE_OUT],
      `url = "${server.url}${path}"\nrequest = "${method}"\ndata = ""\nheader = "Authorization: Bearer c.d"\nheader = "X-Runner-Holder: h-1"\n`,
    );

  test("sends method, headers and an empty body, and writes headers, body and status", async () => {
    const { code, stdout, stderr } = await ask("/runners/claim");
    expect([code, stderr]).toEqual([0, ""]);
    expect(seen).toEqual([
      {
        method: "POST",
        body: "",
        headers: expect.objectContaining({
          authorization: "Bearer c.d",
          "x-runner-holder": "h-1",
          "content-length": "0",
          accept: "*/*",
        }) as unknown,
      },
    ]);
    expect(stdout).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(stdout).toMatch(/\r\nretry-after: 7\r\n/i);
    expect(stdout.endsWith('\r\n\r\n{"ok":true}\n503')).toBe(true);
  });

  test("sends DELETE, and ends with 0 whatever the status is", async () => {
    const { code, stdout } = await ask("/empty", "DELETE");
    expect(seen[0]?.method).toBe("DELETE");
    expect([code, stdout.endsWith("\r\n\r\n\n204")]).toEqual([0, true]);
  });

  test("follows no redirect", async () => {
    const { stdout } = await ask("/redirect");
    expect(stdout.endsWith("\n302")).toBe(true);
    expect(seen).toHaveLength(1);
  });

  test("ends with 28 when there is no answer in time, and still writes 000", async () => {
    const { code, stdout, stderr } = await ask("/slow", "POST", "1");
    expect([code, stdout]).toEqual([28, "\n000"]);
    expect(stderr).toMatch(/^curl: \(28\) /);
  });

  test("ends with 7 when nothing listens", async () => {
    const url = `http://127.0.0.1:${String(await freePort())}/`;
    const { code, stdout, stderr } = await run([...OPTIONS, ...WRITE_OUT], `url = "${url}"\n`);
    expect([code, stdout]).toEqual([7, "\n000"]);
    expect(stderr).toMatch(/^curl: \(7\) /);
  });

  test("asks a socket of this machine, and ends with 7 when there is none", async () => {
    const socket = join(directory, `${String(which.length)}.sock`);
    const ping = createServer((request, response) => response.end(`${request.url ?? ""} OK`));
    const config = `url = "http://docker/_ping"\nunix-socket = "${socket}"\nnoproxy = "*"\n`;
    const args = ["--disable", "--silent", "--max-time", "5", "--config", "-"];
    expect(await run(args, config)).toEqual({ code: 7, stdout: "", stderr: "" });
    await new Promise<void>((resolve) => ping.listen(socket, resolve));
    try {
      expect(await run(args, config)).toEqual({ code: 0, stdout: "/_ping OK", stderr: "" });
    } finally {
      await new Promise((resolve) => ping.close(resolve));
    }
  });

  test("fails when the connection breaks", async () => {
    const { code, stdout } = await ask("/drop");
    expect([52, 56]).toContain(code);
    expect(stdout).toBe("\n000");
  });

  test("refuses an option that it does not know and a config without a URL", async () => {
    expect((await run(["--no-such-option"], "")).code).toBe(2);
    expect((await run([...OPTIONS, ...WRITE_OUT], "")).code).not.toBe(0);
  });
});

describe("where curl comes from", () => {
  test("the machine's own goes before the stand-in; without one the stand-in comes first on the PATH", async () => {
    const directory = await mkdtemp(join(tmpdir(), "curl-path-"));
    try {
      const own = join(directory, "own");
      await mkdir(own);
      expect(await pathWithCurl(own, join(directory, "a"))).toEqual({
        path: `${join(directory, "a")}:${own}`,
        standIn: true,
      });
      await installCurl(own);
      expect(await pathWithCurl(own, join(directory, "b"))).toEqual({ path: own, standIn: false });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
