import { AclPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { AclToken } from "@cdktf/provider-nomad/lib/acl-token";
import { Annotations, type ITerraformDependable, TerraformIterator, Token, propertyAccess } from "cdktf";
import { Construct } from "constructs";
import { generationProblems } from "./generation";
import { parseGoDuration } from "./go-duration";
import { literalText } from "./literal-text";
import { nomadNameProblems } from "./nomad-name";

/** Longest life of a token that Nomad's servers grant unless `acl.token_max_expiration_ttl` says otherwise.
 *  @see https://developer.hashicorp.com/nomad/docs/configuration/acl#token_max_expiration_ttl */
const SERVER_MAX_SECONDS = 24 * 60 * 60;
/** And the shortest.
 *  @see https://developer.hashicorp.com/nomad/docs/configuration/acl#token_min_expiration_ttl */
const SERVER_MIN_SECONDS = 60;

/** Which token, of which namespace, and for how long. */
export interface DispatchCredentialProps {
  /** Namespace of the runner jobs. The token dispatches every parameterized job in it, so it should hold no others. */
  readonly namespace: string;
  /**
   * Which token this is: raising it by one makes a new token and ends the one before, see the class.
   * @default 1
   */
  readonly generation?: number;
  /**
   * How long the token lives, in whole hours, minutes and seconds such as `24h` or `1h30m`. Nomad's servers grant 1m
   * to 24h unless their `acl` block says otherwise. Nothing renews a token: raise `generation` and deploy before its
   * end. Another value makes a new token, too.
   * @default - it does not end
   */
  readonly expiresIn?: string;
  /**
   * Name of the ACL policy, and of the token with the generation behind it: letters, digits and hyphens, at most 128.
   * @default "github-runners-dispatch"
   */
  readonly name?: string;
}

/**
 * A Nomad token that may dispatch jobs of one namespace and nothing else, not even read what it dispatched: an ACL
 * policy and a client token. The token's secret lies in Terraform's state.
 *
 * Raising `generation` is the rotation. The new token is made, then everything that holds {@link token} is changed, and
 * only then the old one is deleted: no dispatch meets a dead token.
 */
export class DispatchCredential extends Construct {
  /** The token's secret, for `X-Nomad-Token`. */
  readonly token: string;
  /** When the token ends, known at apply: RFC 3339 in UTC, such as `2027-01-01T00:00:00Z`. Only with `expiresIn`. */
  readonly expiresAt?: string;
  /** The token, for what may only come after it. */
  readonly ready: readonly ITerraformDependable[];

  constructor(scope: Construct, id: string, props: DispatchCredentialProps) {
    super(scope, id);
    const { namespace, generation = 1, expiresIn, name = "github-runners-dispatch" } = props;
    const policy = new AclPolicy(this, "Policy", {
      name: literalText(name),
      description: "May dispatch jobs of one namespace, and nothing else.",
      rulesHcl: rules(namespace),
    });
    // One instance of one resource for each generation. The provider changes a token's name in place, and its secret
    // would stay. A replacement that another resource triggers is forgotten when it fails, since only that resource's
    // change asks for it. And of a resource of its own, Terraform forgets who used it as soon as a deploy fails to
    // change the user; the next deploy could then delete the old token first.
    const key = String(generation);
    const token = new AclToken(this, "Resource", {
      forEach: TerraformIterator.fromList([key]),
      name: `${literalText(name)}-${key}`,
      type: "client",
      policies: [policy.name],
      ...(expiresIn !== undefined && { expirationTtl: canonical(expiresIn) }),
      lifecycle: { createBeforeDestroy: true },
    });
    const attribute = (attributeName: string): string =>
      Token.asString(propertyAccess(token.fqn, [key, attributeName]));
    this.token = attribute("secret_id");
    if (expiresIn !== undefined) this.expiresAt = attribute("expiration_time");
    this.ready = [token];
    this.node.addValidation({
      validate: () => [
        ...nomadNameProblems("namespace", namespace),
        ...nomadNameProblems("name", name),
        ...generationProblems("generation", generation),
        ...expiryProblems(expiresIn),
      ],
    });
    warn(this, props);
  }
}

/** Only the capability: a `policy = "write"` would hold `dispatch-job` too, and everything else. */
function rules(namespace: string): string {
  return `namespace "${literalText(namespace)}" {\n  capabilities = ["dispatch-job"]\n}\n`;
}

/** The provider reads back the text that Go makes of a duration, and another text would be a new token in each plan. */
function canonical(expiresIn: string): string {
  return parseGoDuration(expiresIn)?.text ?? literalText(expiresIn);
}

function expiryProblems(expiresIn: string | undefined): string[] {
  if (expiresIn === undefined) return [];
  // Known only at apply, its text could not be brought into Go's form.
  const seconds = Token.isUnresolved(expiresIn) ? undefined : parseGoDuration(expiresIn)?.seconds;
  if (seconds !== undefined && seconds > 0) return [];
  return [
    `expiresIn: must be hours, minutes and seconds such as "24h" or "1h30m", more than none, got "${expiresIn}"; ` +
      "leave it out for a token that does not end",
  ];
}

function warn(credential: DispatchCredential, { namespace, expiresIn }: DispatchCredentialProps): void {
  const annotations = Annotations.of(credential);
  if (namespace === "default") {
    annotations.addWarning(
      'The dispatch token is for the namespace "default" and may dispatch every parameterized job in it. Give the ' +
        "runner jobs a namespace of their own.",
    );
  }
  const seconds = expiresIn === undefined ? 0 : (parseGoDuration(expiresIn)?.seconds ?? 0);
  if (seconds > SERVER_MAX_SECONDS) {
    annotations.addWarning(
      `expiresIn is ${String(expiresIn)}, and Nomad's servers refuse more than 24h unless ` +
        "acl.token_max_expiration_ttl is raised.",
    );
  }
  if (seconds > 0 && seconds < SERVER_MIN_SECONDS) {
    annotations.addWarning(
      `expiresIn is ${String(expiresIn)}, and Nomad's servers refuse less than 1m unless ` +
        "acl.token_min_expiration_ttl is lowered.",
    );
  }
}
