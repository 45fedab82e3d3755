import { createHash } from "node:crypto";
import { type LoopbackServer, serve } from "../../../local/http/serve";

/** What the stand-in publishes; tests change single parts of it. */
export interface Published {
  version: string;
  publishedAt: string;
  archives: Record<"x64" | "arm64", Buffer>;
  /** SHA-256 in the notes, where it is not the archive's. */
  noted: Partial<Record<"x64" | "arm64", string>>;
  platforms: string[];
}

/** GitHub's releases API with its downloads, and the registry, on one loopback server. */
export interface ReleasesServer {
  readonly url: string;
  readonly published: Published;
  /** Path and authorization of each request. */
  readonly requests: { readonly path: string; readonly authorization: string | null }[];
  close(): Promise<void>;
}

export function sha256(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** The registry's index of the image, byte by byte. */
export function imageIndex({ platforms }: Published): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: platforms.map((platform) => {
      const [os = "", architecture = ""] = platform.split("/");
      return { digest: `sha256:${sha256(platform)}`, platform: { os, architecture } };
    }),
  });
}

/** Answers as api.github.com, github.com and ghcr.io do for a look-up of the runner's release.
 *  @see https://docs.github.com/rest/releases/releases
 *  @see https://distribution.github.io/distribution/spec/api/#pulling-an-image-manifest */
export async function releasesServer(): Promise<ReleasesServer> {
  const published: Published = {
    version: "2.400.0",
    publishedAt: "2031-02-03T04:05:06Z",
    archives: { x64: Buffer.from("archive for x64"), arm64: Buffer.from("archive for arm64") },
    noted: {},
    platforms: ["linux/amd64", "linux/arm64", "unknown/unknown"],
  };
  const requests: { path: string; authorization: string | null }[] = [];
  const server: LoopbackServer = await serve((request) => {
    const { pathname, search } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    requests.push({ path: pathname + search, authorization });
    return answer(published, server.url, pathname, authorization);
  });
  return { url: server.url, published, requests, close: () => server.close() };
}

function answer(published: Published, url: string, path: string, authorization: string | null): Response {
  const { version, archives } = published;
  const release = "/repos/actions/runner/releases/";
  if (path === `${release}latest` || path === `${release}tags/v${version}`) {
    return Response.json(releaseOf(published, url));
  }
  for (const architecture of ["x64", "arm64"] as const) {
    if (path === `/download/${nameOf(version, architecture)}`) {
      return new Response(null, { status: 302, headers: { location: `${url}/stored/${architecture}` } });
    }
    if (path === `/stored/${architecture}`) return new Response(new Uint8Array(archives[architecture]));
  }
  if (path === "/token") return Response.json({ token: "registry-token" });
  if (path === `/v2/actions/actions-runner/manifests/${version}`) {
    if (authorization !== "Bearer registry-token") return new Response("no token", { status: 401 });
    return new Response(imageIndex(published));
  }
  return Response.json({ message: "Not Found" }, { status: 404 });
}

function nameOf(version: string, architecture: string): string {
  return `actions-runner-linux-${architecture}-${version}.tar.gz`;
}

/** As the release workflow of actions/runner writes it: every platform's sum between two comments. */
function releaseOf({ version, publishedAt, archives, noted }: Published, url: string): object {
  const sums = {
    "win-x64": sha256("windows"),
    "linux-x64": noted.x64 ?? sha256(archives.x64),
    "linux-arm64": noted.arm64 ?? sha256(archives.arm64),
    "linux-arm": sha256("arm"),
  };
  const lines = Object.entries(sums).map(
    ([platform, sum]) =>
      `- actions-runner-${platform}-${version}.tar.gz <!-- BEGIN SHA ${platform} -->${sum}<!-- END SHA ${platform} -->`,
  );
  return {
    tag_name: `v${version}`,
    published_at: publishedAt,
    body: `## What's Changed\r\n\r\n## SHA-256 Checksums\r\n\r\n${lines.join("\r\n")}\r\n`,
    assets: ["x64", "arm64"].map((architecture) => {
      const name = nameOf(version, architecture);
      return { name, browser_download_url: `${url}/download/${name}` };
    }),
  };
}
