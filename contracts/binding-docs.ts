import type { BindingName } from "./bindings";

/** One line on each binding, for the generated reference; apart from the declaration, so that the Worker does not carry
 *  them. */
export const BINDING_DOCS: Readonly<Record<BindingName, string>> = {
  LEDGER: "The ledger: jobs waiting and runners on the way.",
  RUNNER_POLICY: "Which repositories get runners, and the runner classes (see contracts/policy.ts).",
  GITHUB_WEBHOOK_SECRET: "HMAC-SHA256 key shared with GitHub's webhooks.",
  GITHUB_WEBHOOK_SECRET_PREVIOUS: "The key before the current one, accepted while hooks are being changed.",
  GITHUB_API_URL: "Base of GitHub's REST API; default https://api.github.com, on GHES https://HOST/api/v3.",
  GITHUB_APP_ID: "GitHub App id or client id; with GITHUB_APP_PRIVATE_KEY.",
  GITHUB_APP_PRIVATE_KEY: "The App's private key, PKCS#1 or PKCS#8 PEM.",
  GITHUB_TOKEN: "A fine-grained personal access token instead of an App; it serves one owner.",
  NOMAD_ADDR: "Origin of the Nomad API behind Access and the tunnel.",
  NOMAD_TOKEN: "Nomad ACL token that may only dispatch.",
  NOMAD_NAMESPACE: 'Nomad namespace of the runner jobs; default "default".',
  CF_ACCESS_CLIENT_ID: "Access service token, sent on every Nomad call; both halves or neither.",
  CF_ACCESS_CLIENT_SECRET: "The service token's other half.",
  PUBLIC_URL:
    "Origin by which GitHub and runners reach the Worker; claim URLs and the stack id are made from it.",
  CLAIM_KEY: "HMAC-SHA256 key of claims.",
  CLAIM_KEY_PREVIOUS: "The key before the current one, accepted while it is rotated.",
  CREDENTIAL_EXPIRY:
    'When credentials end: {"access":"2027-01-01T00:00:00Z","nomad":null}; shown by /status and /metrics.',
  STATUS_TOKEN: "The operator's bearer token: /status and /metrics, and /pauses, which hold dispatches back.",
};
