import type { RunnerArchitecture } from "./runner-release";

/** A placement constraint as a Nomad job has it.
 *  @see https://developer.hashicorp.com/nomad/docs/job-specification/constraint */
export interface PlacementConstraint {
  /** Such as `${attr.cpu.arch}`; written as Nomad has it, nothing is escaped by hand. */
  readonly attribute: string;
  /**
   * How to compare.
   * @default "="
   */
  readonly operator?: string;
  /** What to compare with. */
  readonly value: string;
}

/** Constraints as a job's variable takes them: each with its operator. */
export function withOperators(constraints: readonly PlacementConstraint[]): Required<PlacementConstraint>[] {
  return constraints.map(({ attribute, operator = "=", value }) => ({ attribute, operator, value }));
}

/** The node's architecture. */
export const ARCHITECTURE_ATTRIBUTE = "${attr.cpu.arch}";

/** What Nomad's fingerprint calls them.
 *  @see https://developer.hashicorp.com/nomad/docs/reference/runtime-variable-interpolation */
export const NODE_ARCHITECTURES: Readonly<Record<RunnerArchitecture, string>> = {
  x64: "amd64",
  arm64: "arm64",
};

/** The constraint by which a class gets nodes of an architecture. */
export function architectureConstraint(
  architecture: RunnerArchitecture | undefined,
): readonly PlacementConstraint[] {
  if (architecture === undefined) return [];
  return [{ attribute: ARCHITECTURE_ATTRIBUTE, value: NODE_ARCHITECTURES[architecture] }];
}
