import type { Fault } from "../http/faults";

const TEXT = { "Content-Type": "text/plain; charset=utf-8" };
const HTML = { "Content-Type": "text/html; charset=UTF-8" };

/** What stands for a page of Cloudflare's; only that it is HTML matters. */
export const ACCESS_PAGE =
  "<!DOCTYPE html><html><head><title>Error ・ Cloudflare Access</title></head></html>";

/** The team's login page, to which Access redirects where a person could log in. */
const ACCESS_LOGIN = "https://example.cloudflareaccess.com/cdn-cgi/access/login/nomad.example.com?kid=0000";

/**
 * The ways in which a dispatch meets something else than a healthy Nomad, each with the answer the real one gives.
 * @see https://github.com/hashicorp/nomad/blob/v2.0.5/command/agent/http.go
 * @see https://developers.cloudflare.com/cloudflare-one/access-controls/service-credentials/service-tokens/
 */
export const NOMAD_OUTAGES = {
  /** An election. */
  noLeader: { kind: "answer", status: 500, headers: TEXT, body: "No cluster leader" },
  /** Nomad's limit on connections of one client. */
  throttled: {
    kind: "answer",
    status: 429,
    headers: TEXT,
    body: "Your IP is issuing too many concurrent connections, please rate limit your calls\n",
  },
  /** No connector is connected. */
  tunnelDown: {
    kind: "answer",
    status: 530,
    headers: HTML,
    body: "<html><body>error code: 1033</body></html>",
  },
  /** The connector cannot reach Nomad. */
  originDown: { kind: "answer", status: 502, headers: HTML, body: "<html><body>Bad gateway</body></html>" },
  /** No service token, where the application lets people log in, too. */
  accessRedirect: {
    kind: "answer",
    status: 302,
    headers: { ...HTML, Location: ACCESS_LOGIN },
    body: ACCESS_PAGE,
  },
  /** No service token, where the application takes nothing else. */
  accessForbidden: { kind: "answer", status: 403, headers: HTML, body: ACCESS_PAGE },
  hang: { kind: "hang" },
  drop: { kind: "drop" },
  /** Nomad dispatches, and its answer is lost. */
  lostAnswer: { kind: "lose" },
} as const satisfies Record<string, Fault>;
