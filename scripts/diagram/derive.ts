import { Elements } from "./elements";
import { type Model, type Relationship, edge } from "./model";
import { referencesOf } from "./references";
import { type RuleContext, runtimeRelationships } from "./relation-rules";
import { type SynthesizedStack, compare } from "./stack";

/** What a reference from one type to another means. Without a rule it is what Terraform knows of it: an order. */
const MEANINGS: readonly (readonly [from: RegExp, to: RegExp, label: string])[] = [
  [/^cloudflare_workers_script$/, /^random_password$/, "takes its keys from"],
  [/^github_.*_webhook$/, /^random_password$/, "takes the hooks' secret from"],
  [/^cloudflare_zero_trust_tunnel_cloudflared$/, /^random_password$/, "takes its secret from"],
  [/^vault_kv_secret_v2$/, /^random_password$/, "keeps a token made of a secret in"],
  [/^cloudflare_workers_script$/, /^nomad_acl_token$/, "holds the dispatch token of"],
  [/^cloudflare_workers_script$/, /^vault_/, "takes the GitHub credential from"],
  [/^vault_kv_secret_v2$/, /^cloudflare_zero_trust_tunnel/, "keeps the token of"],
  [
    /^cloudflare_zero_trust_tunnel_cloudflared_config$/,
    /^cloudflare_zero_trust_access_application$/,
    "takes only its JWTs",
  ],
  [/^github_.*_webhook$/, /./, "gets its hooks after"],
];

const ORDER = "is made after";

/**
 * The model of a synthesized stack. Elements are its resources, grouped by rules of their types; relationships are what
 * the values say (rules) and every reference between two elements. A reference to or from a node is the node's content,
 * no relationship; a provider's own credential is none either. Both stay in `references`.
 * @throws on what no rule knows
 */
export function deriveModel(stack: SynthesizedStack): Model {
  const elements = new Elements(stack);
  const references = referencesOf(stack);
  const context: RuleContext = { stack, elements, references };
  const relationships = merged([...runtimeRelationships(context), ...referred(context)]);
  return { name: stack.name, elements: elements.list(), relationships, references };
}

function referred({ stack, elements, references }: RuleContext): readonly Relationship[] {
  return references.flatMap((reference) => {
    const [from, to] = [elements.of(reference.from), elements.of(reference.to)];
    if (reference.via === "provider" || from === to || elements.isNode(from) || elements.isNode(to))
      return [];
    const [source, target] = [stack.resources.get(reference.from), stack.resources.get(reference.to)];
    const label = meaning(source?.type ?? "", target?.type ?? "");
    return [{ from, to, at: "deploy" as const, label, because: [`${reference.from} → ${reference.to}`] }];
  });
}

function meaning(source: string, target: string): string {
  return MEANINGS.find(([from, to]) => from.test(source) && to.test(target))?.[2] ?? ORDER;
}

/** One relationship for each pair and direction. What runs goes before what deploys, and a meaning before an order. */
function merged(all: readonly Relationship[]): readonly Relationship[] {
  const pairs = new Map<string, Relationship[]>();
  for (const one of all) {
    const key = edge(one.from, one.to);
    pairs.set(key, [...(pairs.get(key) ?? []), one]);
  }
  return [...pairs.entries()]
    .sort(([left], [right]) => compare(left, right))
    .flatMap(([, found]) => {
      const running = found.filter(({ at }) => at === "run");
      const meant = found.filter(({ label }) => label !== ORDER);
      const [telling] = [running, meant, found].filter(({ length }) => length > 0);
      const [first] = telling ?? [];
      if (first === undefined || telling === undefined) return [];
      const label = unique(telling.map((one) => one.label)).join("; ");
      return [{ ...first, label, because: unique(found.flatMap(({ because }) => because)) }];
    });
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
