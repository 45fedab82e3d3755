import { distinctOwners } from "./owners";
import { RepositorySelection, type WebhookTarget } from "./repository-selection";

const NOUNS = { repositories: "selection", scopes: "scope" } as const;

/**
 * Several selections as one, so that the address of a webhook depends on its owner and not on how the settings divide the
 * owners. Each owner belongs to one selection: in two, a repository could get two webhooks.
 */
export class CombinedSelection extends RepositorySelection {
  override readonly targets: readonly WebhookTarget[];

  /**
   * @param selections one or more
   * @param at the prop that holds them
   */
  constructor(
    private readonly selections: readonly RepositorySelection[],
    private readonly at: "repositories" | "scopes" = "repositories",
  ) {
    super();
    const targets = new Map<string, WebhookTarget>();
    for (const target of selections.flatMap((selection) => selection.targets)) {
      const key = target.owner.toLowerCase();
      if (!targets.has(key)) targets.set(key, target);
    }
    // By login, so that the order of the settings changes nothing in what is synthesized.
    this.targets = [...targets.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
  }

  override problems(): string[] {
    const found = this.selections.flatMap((selection) => selection.problems());
    if (this.selections.length === 0) {
      found.push(
        `${this.at}: must hold at least one ${NOUNS[this.at]}, got none; no repository would send a delivery`,
      );
    }
    const owners = this.selections.flatMap((selection) => selection.owners);
    const several = distinctOwners(owners).filter(
      (owner) => owners.filter((other) => other.toLowerCase() === owner.toLowerCase()).length > 1,
    );
    if (several.length > 0) {
      found.push(
        `${this.at}: must hold each owner in one ${NOUNS[this.at]}, got "${several.join('", "')}" in several; ` +
          `GitHub would get two webhooks for one repository: name them in one ${NOUNS[this.at]}`,
      );
    }
    return found;
  }
}
