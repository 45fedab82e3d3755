import { type GithubCredential, createGithub, createGithubCache } from "../../../../worker/github/client";
import { type FakeFetch, type Sent, fakeFetch, json } from "./fetches";

export const API = "https://api.github.example/v3";
export const NOW = Date.UTC(2026, 10, 21, 12);
export const TOKEN = "github_pat_s3cret";

/** A client over a fake API whose clock is moved by hand. */
export function clientOf(
  answer: (request: Sent, index: number) => Response | Promise<Response>,
  credential: GithubCredential = { kind: "token", token: () => Promise.resolve(TOKEN) },
) {
  const clock = { now: NOW };
  const api: FakeFetch = fakeFetch(answer);
  const cache = createGithubCache();
  const open = () => createGithub({ apiUrl: API, credential, fetch: api.fetch, now: () => clock.now, cache });
  return { github: open(), open, sent: api.sent, clock, cache };
}

export const RUNNER = {
  id: 23,
  name: "a1b2c3-linux-42-1",
  os: "linux",
  status: "online",
  busy: false,
  labels: [{ id: 1, name: "self-hosted", type: "custom" }],
};
export const ASKED = { name: RUNNER.name, labels: ["self-hosted", "linux"], runnerGroupId: 1 };
export const JIT = { runner: { ...RUNNER, status: "offline" }, encoded_jit_config: "eyJhIjoiYiJ9" };

export const granted = (): Response => json(201, JIT);
