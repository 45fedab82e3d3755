import type { WordedPattern } from "../contracts/patterns";
import type { OnDemandRunnersProps } from "./on-demand-runners-props";

/** What names of Cloudflare, Nomad and Vault all take, with room for what is put behind it. `default` as a namespace is
 *  everybody's. */
const STACK_NAME: WordedPattern = {
  pattern: /^(?!default$)[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
  words: 'lower-case letters, digits and inner hyphens, at most 40, and not "default"',
};

const DEFAULT_STACK_NAME = "github-runners";

/**
 * The stack's name, of which the names are made that two stacks must not share. One that is refused is told of once, by
 * {@link stackNameProblems}: it is made to fit, so that nothing that is made of it is refused as well.
 */
export function stackNameOf({ name = DEFAULT_STACK_NAME }: Pick<OnDemandRunnersProps, "name">): string {
  if (STACK_NAME.pattern.test(name)) return name;
  const words = name
    .toLowerCase()
    .slice(0, 40)
    .match(/[a-z0-9]+/g) ?? ["unnamed"];
  return words.join("-");
}

/** Namespace of the runner jobs: the stack's own, since whoever may read a job in it can be a runner. */
export function namespaceOf(props: Pick<OnDemandRunnersProps, "name" | "nomad">): string {
  return props.nomad?.namespace ?? stackNameOf(props);
}

/** What is wrong with the name, one sentence; it stands in paths and ids, so it must be known at synth. */
export function stackNameProblems({
  name = DEFAULT_STACK_NAME,
}: Pick<OnDemandRunnersProps, "name">): string[] {
  if (STACK_NAME.pattern.test(name)) return [];
  return [
    `name: must be ${STACK_NAME.words}, got ${JSON.stringify(name)}; leave it out for ${DEFAULT_STACK_NAME}`,
  ];
}
