import type { GithubState } from "./state";
import type { Hook, HookConfig } from "./types";

type Json = Readonly<Record<string, unknown>>;

/** A wish that is granted, or what GitHub says against it. */
export type Wish =
  | { readonly ok: true; readonly config: HookConfig }
  | { readonly ok: false; readonly errors: readonly Json[] };

/** GitHub's own defaults; form encoding is a common mistake. */
const DEFAULTS: HookConfig = {
  url: "",
  secret: null,
  events: ["push"],
  active: true,
  contentType: "form",
  insecureSsl: "0",
};

/** GitHub takes so many hooks of a repository or an organization for one event.
 *  @see https://docs.github.com/webhooks/about-webhooks */
const MAX_HOOKS_PER_EVENT = 20;

/** A hook that is to be made. */
export function newConfig(body: Json | null): Wish {
  return checked({ ...DEFAULTS, ...fromConfig(body?.["config"]), ...fromBody(body, DEFAULTS) });
}

/**
 * A change of a hook. A `config` stands for the whole of it as far as the secret goes: sent without one, it takes the
 * secret away.
 */
export function changedConfig(hook: Hook, body: Json | null): Wish {
  const config = body?.["config"];
  const secret = config === undefined ? {} : { secret: null };
  return checked({ ...configOf(hook), ...secret, ...fromConfig(config), ...fromBody(body, hook) });
}

/** A change of single fields of the configuration; what is not named stays. */
export function patchedConfig(hook: Hook, config: Json | null): Wish {
  return checked({ ...configOf(hook), ...fromConfig(config) });
}

/**
 * What speaks against a hook beside those that are there.
 * @param own the hook that is changed; null for a new one
 */
export function conflicts(state: GithubState, target: string, config: HookConfig, own: Hook | null): Json[] {
  const others = [...state.hooks.values()].filter(
    (it) => it.id !== own?.id && it.target.toLowerCase() === target.toLowerCase(),
  );
  const what = state.repository(target) === undefined ? "organization" : "repository";
  const isTwin = (it: Hook): boolean =>
    it.url === config.url &&
    it.contentType === config.contentType &&
    it.insecureSsl === config.insecureSsl &&
    it.events.some((event) => config.events.includes(event));
  if (others.some(isTwin)) return [custom(`Hook already exists on this ${what}`)];
  return config.events
    .filter((event) => others.filter((it) => it.events.includes(event)).length >= MAX_HOOKS_PER_EVENT)
    .map((event) =>
      custom(`The "${event}" event cannot have more than ${String(MAX_HOOKS_PER_EVENT)} hooks`),
    );
}

function custom(message: string): Json {
  return { resource: "Hook", code: "custom", message };
}

function configOf({ url, secret, events, active, contentType, insecureSsl }: Hook): HookConfig {
  return { url, secret, events, active, contentType, insecureSsl };
}

function fromConfig(value: unknown): Partial<HookConfig> {
  const { url, secret, content_type: contentType, insecure_ssl: insecure } = (value ?? {}) as Json;
  return {
    ...(url !== undefined && { url: url as string }),
    ...(typeof secret === "string" && { secret: secret === "" ? null : secret }),
    ...(contentType !== undefined && { contentType: contentType === "json" ? "json" : "form" }),
    ...(insecure !== undefined && { insecureSsl: insecure === "1" || insecure === 1 ? "1" : "0" }),
  };
}

function fromBody(body: Json | null, before: Pick<HookConfig, "events">): Partial<HookConfig> {
  const { active, events, add_events: added, remove_events: removed } = body ?? {};
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const changed = [...before.events, ...list(added)].filter((it) => !list(removed).includes(it));
  return {
    events: (events ?? [...new Set(changed)]) as string[],
    ...(typeof active === "boolean" && { active }),
  };
}

/** The wish comes from a request, so what the types say of it is checked here. */
function checked(config: HookConfig): Wish {
  const { url, events } = config as { readonly url: unknown; readonly events: unknown };
  const errors: Json[] = [];
  if (typeof url !== "string" || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    errors.push(custom("url must be an http(s) URL"));
  }
  const isList = Array.isArray(events) && events.length > 0;
  if (!isList || !events.every((it) => typeof it === "string" && it !== "")) {
    errors.push(custom("events must be a list of strings"));
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, config };
}
