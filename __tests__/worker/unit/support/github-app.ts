import { generateKeyPairSync } from "node:crypto";
import { type Sent, json } from "./fetches";
import { API, RUNNER, clientOf } from "./github";

export const REPO = "octo-org/example";
export const APP_ID = "Iv23liExample";
export const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const PKCS1 = KEYS.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
export const PKCS8 = KEYS.privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** GitHub's side: installation 7 for everybody, tokens `ghs_1`, `ghs_2`, … good for an hour. */
export function githubOf(
  change: (request: Sent, path: string, count: number) => Response | null = () => null,
  privateKey: () => Promise<string> = () => Promise.resolve(PKCS1),
) {
  let tokens = 0;
  const counts = new Map<string, number>();
  const made = clientOf(
    (request) => {
      const path = request.url.slice(API.length);
      const count = (counts.get(path) ?? 0) + 1;
      counts.set(path, count);
      const changed = change(request, path, count);
      if (changed !== null) return changed;
      if (path.endsWith("/installation")) return json(200, { id: 7 });
      if (path.endsWith("/access_tokens")) {
        tokens += 1;
        const expires = new Date(made.clock.now + 3_600_000).toISOString();
        return json(201, { token: `ghs_${String(tokens)}`, expires_at: expires });
      }
      return json(200, RUNNER);
    },
    { kind: "app", appId: APP_ID, privateKey },
  );
  const paths = () => made.sent.map(({ method, url }) => `${method} ${url.slice(API.length)}`);
  const bearerOf = (index: number) => made.sent[index]?.headers.get("authorization")?.slice(7) ?? "";
  return { ...made, paths, bearerOf };
}
