import { Token } from "cdktf";
import type { IConstruct } from "constructs";
import type { RunnersStackProps } from "./runners-stack-props";

/** `https://example.com:4646`: no user, path, query or fragment; a slash at the end is cut off. */
const ORIGIN = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?\/*$/;
/** The same with a path, for an API behind a proxy. */
const API_ADDRESS = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/;
const HOST_AND_PORT = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/;
/** A key without a slash at either end: Consul takes one at the beginning for a part of the key. */
const STATE_PATH = /^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*$/;
/** What has its API at another place than `<server>/api/v3`. */
const GITHUB_CLOUD = /^https?:\/\/(?:api\.|www\.)?(?:github\.com|[A-Za-z0-9.-]+\.ghe\.com)(?::\d+)?\/*$/i;

/** What is wrong with the addresses of backend and providers, one sentence each. */
export function stackSettingsProblems(props: RunnersStackProps): string[] {
  const { consul, githubServerUrl, nomad, vault } = props;
  return [
    ...addressProblems("nomad.apiAddress", nomad.apiAddress),
    ...(vault === undefined ? [] : addressProblems("vault.address", vault.address)),
    ...leaseProblems(vault?.maxLeaseTtlSeconds),
    ...consulProblems(consul),
    ...(githubServerUrl === undefined ? [] : githubProblems(githubServerUrl)),
  ];
}

/** Whether something in the stack needs the Vault that the settings do not name. */
export function missingVaultProblems({ vault }: RunnersStackProps, stack: IConstruct): string[] {
  if (vault !== undefined) return [];
  const users = stack.node.findAll().filter(usesVault);
  if (users.length === 0) return [];
  const paths = new Set(users.map(({ node }) => node.scope?.node.path ?? node.path));
  return [
    `vault: must be given for ${[...paths].join(" and ")}, got none; write vault: { address: "https://vault.example.com:8200" }, ` +
      "or choose a route and credentials without Vault",
  ];
}

function usesVault(construct: IConstruct): boolean {
  const type = (construct as { readonly terraformResourceType?: unknown }).terraformResourceType;
  return typeof type === "string" && type.startsWith("vault_");
}

function addressProblems(at: string, address: string): string[] {
  if (Token.isUnresolved(address) || API_ADDRESS.test(address)) return [];
  return [
    `${at}: must be an http or https URL without login, got ${shown(address)}; write it as https://host.example.com:4646`,
  ];
}

function leaseProblems(seconds: number | undefined): string[] {
  if (seconds === undefined || (Number.isSafeInteger(seconds) && seconds > 0)) return [];
  return [
    `vault.maxLeaseTtlSeconds: must be a whole number of seconds from 1, got ${String(seconds)}; ` +
      "leave it out for 1200",
  ];
}

/** A backend is read before anything else, so it can hold no reference. */
function consulProblems({ address, path, scheme }: RunnersStackProps["consul"]): string[] {
  const found: string[] = [];
  if (!HOST_AND_PORT.test(address)) {
    found.push(
      `consul.address: must be host and port alone, got ${shown(address)}; write consul.example.net:8501, and the ` +
        "scheme as consul.scheme",
    );
  }
  // A wider type can reach here from settings that are no TypeScript.
  if (!["http", "https", undefined].includes(scheme)) {
    found.push(`consul.scheme: must be http or https, got ${shown(String(scheme))}; leave it out for https`);
  }
  if (!STATE_PATH.test(path)) {
    found.push(
      `consul.path: must be a key such as terraform/github-runners, got ${shown(path)}; ` +
        "take parts of letters, digits, ., _, ~ and - with / between them",
    );
  }
  return found;
}

function githubProblems(url: string): string[] {
  if (GITHUB_CLOUD.test(url)) {
    return [
      `githubServerUrl: must be a GitHub Enterprise Server, got ${shown(url)}; leave it out for github.com ` +
        "(*.ghe.com has its API elsewhere, and is not supported)",
    ];
  }
  if (!Token.isUnresolved(url) && ORIGIN.test(url)) return [];
  return [
    `githubServerUrl: must be an origin without path, got ${shown(url)}; write it as https://github.example.com`,
  ];
}

/** What stands before an `@` may be a password. */
function shown(text: string): string {
  return JSON.stringify(text.replace(/^.*@/s, "…@").slice(0, 200));
}
