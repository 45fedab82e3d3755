/** A class's job, as far as it matters here. */
interface IsolatedJob {
  readonly runnerClass: { readonly name: string };
  readonly privileged: boolean;
}

/** Whom runners serve, as far as it matters here. */
interface Served {
  readonly publicRepositories?: readonly string[];
  readonly forkPullRequests?: string;
}

/**
 * Classes that are root on their node and would run what strangers write, one sentence each. A public repository takes pull
 * requests from anybody, and who may approve them is not who runs the cluster.
 */
export function isolationProblems(jobs: readonly IsolatedJob[], served: readonly Served[]): string[] {
  const open = served.flatMap(({ publicRepositories = [] }) => publicRepositories);
  const isOpen = open.length > 0 || served.some(({ forkPullRequests }) => forkPullRequests === "allow");
  if (!isOpen) return [];
  const who = open.length > 0 ? `public repositories ${JSON.stringify(open)}` : "pull requests from forks";
  return jobs
    .filter(({ privileged }) => privileged)
    .map(
      ({ runnerClass: { name } }) =>
        `class "${name}": must not have PrivateDocker.privileged where ${who} get runners; take PrivateDocker.rootless or ` +
        "sysbox, or make a stack without them",
    );
}
