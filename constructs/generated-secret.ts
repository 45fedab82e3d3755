import { Password } from "@cdktf/provider-random/lib/password";
import { Construct } from "constructs";
import { generationProblems } from "./generation";

/** Fewest characters: each of these carries just under 6 bits, so 32 are about 190. */
const MIN_LENGTH = 32;
/** Most: far below what a Worker's variable holds, and more would not be safer. */
const MAX_LENGTH = 512;

/** Which generation of the secret, and how it is made. */
export interface GeneratedSecretProps {
  /**
   * Which value is the current one: raising it by one is the rotation. By more than one, or down, the value in use would
   * not be among the two that are kept.
   * @default 1
   */
  readonly generation?: number;
  /**
   * Characters of a value, 32 to 512. It holds for generations made from then on; older ones keep theirs.
   * @default 48
   */
  readonly length?: number;
  /**
   * Whether the generation before the current one is kept, for what still uses it. Set it to false when nothing does any
   * more, so that the old value stops being accepted.
   * @default true
   */
  readonly keepPrevious?: boolean;
}

/**
 * A secret that Terraform makes: letters and digits, safe in a header, a URL and a Worker's variable. Its value lies in
 * Terraform's state.
 *
 * Each generation is a resource of its own, named by its number: raising `generation` adds the next value, keeps the
 * one in use as {@link previous} and drops the one before that. So a receiver can be given both before the sender
 * changes.
 */
export class GeneratedSecret extends Construct {
  /** The value to use. */
  readonly current: string;
  /** The value before it, from generation 2 on, unless `keepPrevious` is false. */
  readonly previous?: string;

  constructor(scope: Construct, id: string, props: GeneratedSecretProps = {}) {
    super(scope, id);
    const { generation = 1, length = 48, keepPrevious = true } = props;
    this.current = this.#generation(generation, length);
    // What is no whole number is reported, and at Infinity both would have one name.
    if (keepPrevious && Number.isSafeInteger(generation) && generation > 1)
      this.previous = this.#generation(generation - 1, length);
    this.node.addValidation({
      validate: () => [...generationProblems("generation", generation), ...lengthProblems(length)],
    });
  }

  #generation(generation: number, length: number): string {
    const password = new Password(this, `Generation${String(generation)}`, {
      length,
      special: false,
      // Any other argument, above all another length, would make new values of both generations at once, and nothing
      // would overlap any more.
      lifecycle: { ignoreChanges: "all" },
    });
    return password.result;
  }
}

function lengthProblems(length: number): string[] {
  if (Number.isSafeInteger(length) && length >= MIN_LENGTH && length <= MAX_LENGTH) return [];
  return [
    `length: must be a whole number from ${String(MIN_LENGTH)} to ${String(MAX_LENGTH)}, got ${String(length)}; ` +
      "leave it out for 48",
  ];
}
