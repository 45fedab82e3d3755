import { type Harness, STATUS_TOKEN } from "../../support/harness/harness";

export const OPERATOR = { Authorization: `Bearer ${STATUS_TOKEN}` };

/** One request to `/pauses` as an operator sends it, and what follows its answer. @param repo all when left out */
export async function pauseCall(
  harness: Harness,
  method: "GET" | "PUT" | "DELETE",
  repo?: string,
): Promise<Response> {
  const path = repo === undefined ? "/pauses" : `/pauses/${repo}`;
  const response = await harness.runtime.fetch(path, { method, headers: OPERATOR });
  await harness.runtime.idle();
  return response;
}

/** What is paused, as the Worker lists it. */
export async function pausedNow(harness: Harness): Promise<readonly string[]> {
  const response = await pauseCall(harness, "GET");
  if (response.status !== 200) throw new Error(`GET /pauses answered ${String(response.status)}`);
  const { paused } = (await response.json()) as { paused: readonly { repo: string }[] };
  return paused.map(({ repo }) => repo);
}
