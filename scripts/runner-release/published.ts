import { createHash } from "node:crypto";
import type { Architecture, PinnedRelease } from "./pinned";

/** Where releases are looked up. */
export interface Sources {
  /** GitHub's REST API, without a slash at its end. */
  readonly apiUrl: string;
  /** The registry that holds GitHub's image, without a slash at its end. */
  readonly registryUrl: string;
  /** Token for the API alone: it gives a higher rate limit and needs no permission. */
  readonly token?: string;
  /** A line for whoever looks on. */
  readonly say: (line: string) => void;
}

const REPOSITORY = "actions/runner";
const IMAGE = "actions/actions-runner";

/** An answer of an API; an archive of some 230 MB over a slow line. */
const API_TIMEOUT_MS = 30_000;
const DOWNLOAD_TIMEOUT_MS = 900_000;
/** More than any of them has. What is larger is not read to its end. */
const MAX_API_BYTES = 4 * 1024 * 1024;
const MAX_ARCHIVE_BYTES = 1024 * 1024 * 1024;

const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

interface Release {
  readonly tag_name: string;
  readonly published_at: string;
  readonly body: string;
  readonly assets: readonly { readonly name: string; readonly browser_download_url: string }[];
}

/**
 * Looks a release up: downloads both archives, and holds their SHA-256 to what the release notes say of them.
 * @param wanted a version, or `latest`
 * @throws Error when something is missing, or when two of the sources do not say the same
 * @see https://docs.github.com/en/rest/releases/releases
 */
export async function publishedRelease(wanted: string, sources: Sources): Promise<PinnedRelease> {
  const path = wanted === "latest" ? "latest" : `tags/v${wanted}`;
  const release = await api<Release>(`/repos/${REPOSITORY}/releases/${path}`, sources);
  const [, version] = /^v(\d+\.\d+\.\d+)$/.exec(release.tag_name) ?? [];
  if (version === undefined) throw new Error(`The release has the tag "${release.tag_name}", not a version.`);
  const sha256 = {
    x64: await archiveSum(release, version, "x64", sources),
    arm64: await archiveSum(release, version, "arm64", sources),
  };
  const imageDigest = await indexDigest(version, sources);
  return { version, releasedOn: release.published_at.slice(0, 10), sha256, imageDigest };
}

async function archiveSum(
  { body, assets }: Release,
  version: string,
  architecture: Architecture,
  { say }: Sources,
): Promise<string> {
  const name = `actions-runner-linux-${architecture}-${version}.tar.gz`;
  // The notes mark each sum for programs, this one included.
  const marked = new RegExp(
    `<!-- BEGIN SHA linux-${architecture} -->([0-9a-f]{64})<!-- END SHA linux-${architecture} -->`,
  );
  const [, noted] = marked.exec(body) ?? [];
  if (noted === undefined) throw new Error(`The notes of ${version} hold no SHA-256 of ${name}.`);
  const asset = assets.find((it) => it.name === name);
  if (asset === undefined) throw new Error(`The release ${version} has no ${name}.`);
  say(`downloading ${name}`);
  const hash = createHash("sha256");
  const response = await request(asset.browser_download_url, DOWNLOAD_TIMEOUT_MS);
  await read(response, MAX_ARCHIVE_BYTES, (chunk) => hash.update(chunk));
  const computed = hash.digest("hex");
  if (computed !== noted) {
    throw new Error(
      `${name} has the SHA-256 ${computed}, and the notes of ${version} say ${noted}. Take neither.`,
    );
  }
  return computed;
}

/** The digest of the image's index: by it both architectures are pinned at once. */
async function indexDigest(version: string, { registryUrl }: Sources): Promise<string> {
  const scope = `repository:${IMAGE}:pull`;
  const { token } = JSON.parse(
    await text(await request(`${registryUrl}/token?service=ghcr.io&scope=${scope}`, API_TIMEOUT_MS)),
  ) as { readonly token: string };
  const index = await text(
    await request(`${registryUrl}/v2/${IMAGE}/manifests/${version}`, API_TIMEOUT_MS, {
      accept: INDEX_TYPES,
      authorization: `Bearer ${token}`,
    }),
  );
  const { manifests = [] } = JSON.parse(index) as {
    readonly manifests?: readonly {
      readonly platform?: { readonly os: string; readonly architecture: string };
    }[];
  };
  const platforms = manifests.map(({ platform }) => `${platform?.os ?? ""}/${platform?.architecture ?? ""}`);
  const missing = ["linux/amd64", "linux/arm64"].filter((platform) => !platforms.includes(platform));
  if (missing.length > 0)
    throw new Error(`The image ${IMAGE}:${version} has none for ${missing.join(" and ")}.`);
  // Of the bytes that came, not of what the registry says of them.
  return `sha256:${createHash("sha256").update(index).digest("hex")}`;
}

async function api<T>(path: string, { apiUrl, token }: Sources): Promise<T> {
  const response = await request(apiUrl + path, API_TIMEOUT_MS, {
    accept: "application/vnd.github+json",
    "x-github-api-version": "2022-11-28",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  });
  return JSON.parse(await text(response)) as T;
}

/** Redirects are followed: GitHub keeps archives elsewhere. `fetch` drops the authorization on the way there. */
async function request(
  url: string,
  timeoutMs: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const response = await fetch(url, {
    headers: { "user-agent": "nomad-github-runners", ...headers },
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw new Error(`GET ${url} got no answer: ${String(error)}`);
  });
  if (response.ok) return response;
  const said = await text(response);
  throw new Error(`GET ${url} was answered with ${String(response.status)}: ${said.slice(0, 200)}`);
}

async function text(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  await read(response, MAX_API_BYTES, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

async function read(
  response: Response,
  maxBytes: number,
  take: (chunk: Uint8Array) => unknown,
): Promise<void> {
  if (response.body === null) return;
  let bytes = 0;
  // Node's stream can be iterated; the type, the browsers', does not say so.
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`${response.url} is larger than ${String(maxBytes)} bytes.`);
    take(chunk);
  }
}
