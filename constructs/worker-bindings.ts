import type { WorkersScriptBindings } from "@cdktf/provider-cloudflare/lib/workers-script";
import {
  BINDING_NAMES,
  type BindingName,
  type BindingValues,
  MAX_BINDING_BYTES,
  type SecretsStoreReference,
  WORKER_BINDINGS,
} from "../contracts/bindings";
import { Token } from "cdktf";
import { literalText } from "./literal-text";

/**
 * The bindings as the provider's `cloudflare_workers_script` takes them, sorted by name: the provider keeps a list, and
 * a list in another order is a difference in every plan. Values that are left out give no binding.
 * @see https://registry.terraform.io/providers/cloudflare/cloudflare/5.14.0/docs/resources/workers_script
 */
export function renderBindings(values: BindingValues): WorkersScriptBindings[] {
  return [...BINDING_NAMES].sort().flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [render(name, value)];
  });
}

/** What is wrong with the values that are known at synth, one sentence each. Never shows a value: it may be a secret. */
export function bindingProblems(values: Partial<BindingValues>): string[] {
  return BINDING_NAMES.flatMap((name) => {
    const value = values[name];
    if (typeof value !== "string" || Token.isUnresolved(value)) return [];
    const bytes = Buffer.byteLength(value);
    if (bytes === 0) return [`${name}: must not be empty`];
    return bytes > MAX_BINDING_BYTES
      ? [`${name}: must be at most ${String(MAX_BINDING_BYTES)} bytes, got ${String(bytes)}`]
      : [];
  });
}

function render(name: BindingName, value: string | SecretsStoreReference): WorkersScriptBindings {
  if (typeof value !== "string") {
    return { name, type: "secrets_store_secret", storeId: value.storeId, secretName: value.secretName };
  }
  const text = literalText(value);
  switch (WORKER_BINDINGS[name].kind) {
    case "d1":
      return { name, type: "d1", id: text };
    case "json":
      return { name, type: "json", json: text };
    case "text":
      return { name, type: "plain_text", text };
    case "secret":
      return { name, type: "secret_text", text };
  }
}
