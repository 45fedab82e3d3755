import { parsePolicy } from "../contracts/parse-policy";
import type { RunnerClass } from "../contracts/policy";

/** What is wrong with one value of a class. */
interface ClassFault {
  /** Where within the class, as the policy has it: `name`, `labels[1]`. */
  readonly path: string;
  /** The rest of the sentence. */
  readonly words: string;
}

const FAULT = /^classes\[0\]\.([^:]+): (.*)$/s;

/**
 * What is wrong with a class by itself, found by the one who will read it, with any policy around it. That a policy is too
 * large is nothing of one class, even of one that is so large alone: it is told of the whole.
 */
export function classFaults(runnerClass: RunnerClass): readonly ClassFault[] {
  const parsed = parsePolicy({ repositories: ["*/*"], classes: [runnerClass] });
  if (parsed.ok) return [];
  return parsed.problems.flatMap((problem) => {
    const [, path, words] = FAULT.exec(problem) ?? [];
    return path === undefined || words === undefined ? [] : [{ path, words }];
  });
}
