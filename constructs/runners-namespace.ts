import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { literalText } from "./literal-text";
import { nomadDescriptionProblems, nomadNameProblems } from "./nomad-name";

/** What the namespace is called. */
export interface RunnersNamespaceProps {
  /** Name: letters, digits and hyphens, at most 128. Another name is another namespace; the old one is deleted. */
  readonly name: string;
  /**
   * What people read in `nomad namespace list`, at most 256 characters.
   * @default "GitHub runners on demand"
   */
  readonly description?: string;
}

/**
 * A Nomad namespace for the runner jobs alone. Nomad has no permission to dispatch one job only: a token with
 * `dispatch-job` dispatches every parameterized job of its namespace, so nothing else belongs into this one. Whoever
 * has `read-job` in it can read a runner's claim and so be a runner.
 *
 * Nomad refuses to delete a namespace while a job in it runs or waits for room, and a dispatched runner outlives the
 * job it was dispatched from. The provider asks again ten times, five seconds apart, and then `destroy` fails: let the
 * runners end first. A destroy that failed so can be repeated.
 * @see https://developer.hashicorp.com/nomad/docs/govern/namespaces
 */
export class RunnersNamespace extends Construct {
  /** The name, as it was given; take {@link ready} as a dependency. */
  readonly name: string;
  /** The namespace, for the jobs in it: they may only come after it, and have to go before it. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: RunnersNamespaceProps) {
    super(scope, id);
    const { name, description = "GitHub runners on demand" } = props;
    this.name = name;
    this.ready = [
      new Namespace(this, "Resource", { name: literalText(name), description: literalText(description) }),
    ];
    this.node.addValidation({ validate: () => problems(name, description) });
  }
}

function problems(name: string, description: string): string[] {
  const found = [...nomadNameProblems("name", name), ...nomadDescriptionProblems("description", description)];
  // The provider would take it over and, as it cannot be deleted, only reset its description at the end.
  if (name === "default") {
    found.push(
      'name: must not be "default", which Nomad makes itself and never deletes; name a new namespace, or leave ' +
        "RunnersNamespace out",
    );
  }
  return found;
}
