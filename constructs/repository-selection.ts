import { Token } from "cdktf";
import { OWNER, REPOSITORY_FULL_NAME, matches } from "../contracts/patterns";

/** A topic as GitHub allows it.
 *  @see https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/classifying-your-repository-with-topics */
const TOPIC = /^[a-z0-9][a-z0-9-]{0,49}$/;

/** Results that GitHub's search gives at most, and the provider takes without a word about the rest.
 *  @see https://docs.github.com/rest/search/search#about-search */
export const MAX_SEARCH_RESULTS = 1_000;

/** What one owner's webhooks are made for. */
export type WebhookTarget =
  | {
      readonly kind: "names";
      /** Login of the owner. */
      readonly owner: string;
      /** Names without the owner, sorted, each once. */
      readonly names: readonly string[];
    }
  | {
      readonly kind: "search";
      /** Login of the owner. */
      readonly owner: string;
      /** Query of GitHub's repository search. */
      readonly query: string;
    }
  | {
      readonly kind: "organization";
      /** Login of the organization. */
      readonly owner: string;
    };

/** Repositories of an owner by their topic. */
export interface TopicSelectionProps {
  /** Login of the user or organization. */
  readonly owner: string;
  /** Topic that marks a repository: lower-case letters, digits and hyphens, at most 50. */
  readonly topic: string;
  /**
   * Whether forks that carry the topic are selected as well.
   * @default false
   */
  readonly includeForks?: boolean;
}

/** All repositories of an owner. */
export interface OwnerSelectionProps {
  /** Login of the user or organization. */
  readonly owner: string;
  /**
   * Whether the owner's forks are selected as well.
   * @default false
   */
  readonly includeForks?: boolean;
}

/** An organization as a whole. */
export interface OrganizationSelectionProps {
  /** Login of the organization. */
  readonly organization: string;
}

/**
 * Which repositories tell the Worker about their workflow jobs. The webhooks are the selection; the Worker's policy only
 * narrows it.
 *
 * {@link RepositorySelection.named} is a list that a reviewer reads in the plan. {@link RepositorySelection.topic} and
 * {@link RepositorySelection.owner} ask GitHub's search at every plan, whose index follows a change within minutes: a
 * repository that joins gets its webhook with the next deploy, not before. {@link RepositorySelection.organization} is
 * one webhook that covers new repositories at once, and the only choice that does not grow with their number.
 */
export abstract class RepositorySelection {
  /**
   * These repositories.
   * @param repositories full names, `owner/name`, of any number of owners; a name that is given twice counts once
   */
  static named(repositories: readonly string[]): RepositorySelection {
    return new NamedSelection(repositories);
  }

  /**
   * Every repository of an owner that carries a topic and is not archived; fewer than 1,000, and at least one.
   * @see https://docs.github.com/search-github/searching-on-github/searching-for-repositories
   */
  static topic(props: TopicSelectionProps): RepositorySelection {
    return new SearchSelection(props);
  }

  /**
   * Every repository of an owner that is not archived; fewer than 1,000, and at least one.
   * @see https://docs.github.com/search-github/searching-on-github/searching-for-repositories
   */
  static owner(props: OwnerSelectionProps): RepositorySelection {
    return new SearchSelection(props);
  }

  /** Every repository of an organization, by one webhook that only an owner of the organization can make. */
  static organization(props: OrganizationSelectionProps): RepositorySelection {
    return new OrganizationSelection(props);
  }

  /** One for each owner, in the order of their logins in lower case; without what {@link problems} names. */
  abstract readonly targets: readonly WebhookTarget[];

  /** Logins of the owners: each needs a GitHub provider of its own. */
  get owners(): readonly string[] {
    return this.targets.map(({ owner }) => owner);
  }

  /** `owner/*` for each owner: patterns that narrow the Worker's policy to no less than this selection. */
  get patterns(): readonly string[] {
    return this.owners.map((owner) => `${owner}/*`);
  }

  /** Everything wrong with the selection, a sentence each; empty when nothing is. */
  abstract problems(): string[];
}

class NamedSelection extends RepositorySelection {
  override readonly targets: readonly WebhookTarget[];
  readonly #problems: string[] = [];

  constructor(repositories: readonly string[]) {
    super();
    if (repositories.length === 0) {
      this.#problems.push(
        "selection.named: must name at least one repository, got an empty list; " +
          'write owner/name, or choose by RepositorySelection.owner({ owner: "…" })',
      );
    }
    this.targets = this.#byOwner(repositories);
  }

  override problems(): string[] {
    return [...this.#problems];
  }

  /** Logins and names differ by more than their case; two spellings of one login are one owner. */
  #byOwner(repositories: readonly string[]): WebhookTarget[] {
    const owners = new Map<string, { readonly owner: string; readonly names: string[] }>();
    const seen = new Map<string, string>();
    // Sorted first, so that the order of the settings changes nothing in what is synthesized.
    for (const fullName of [...repositories].sort(byCodeUnit)) {
      const key = fullName.toLowerCase();
      const before = seen.get(key);
      if (!this.#isUsable(fullName, before)) continue;
      seen.set(key, fullName);
      const [owner = "", name = ""] = fullName.split("/");
      const group = owners.get(owner.toLowerCase());
      if (group === undefined) owners.set(owner.toLowerCase(), { owner, names: [name] });
      else group.names.push(name);
    }
    return [...owners.entries()]
      .sort(([a], [b]) => byCodeUnit(a, b))
      .map(([, { owner, names }]) => ({ kind: "names", owner, names: names.sort(byCodeUnit) }));
  }

  #isUsable(fullName: string, before: string | undefined): boolean {
    if (before === fullName) return false;
    const isPattern = fullName.includes("*");
    if (!matches(REPOSITORY_FULL_NAME, fullName)) {
      const advice = isPattern
        ? "a pattern selects nothing: choose by RepositorySelection.owner or RepositorySelection.topic"
        : "write it as it stands in the repository's address";
      this.#problems.push(`selection.named: must hold owner/name, got ${shown(fullName)}; ${advice}`);
      return false;
    }
    if (before === undefined) return true;
    this.#problems.push(
      `selection.named: must name a repository once, got ${shown(before)} and ${shown(fullName)}; ` +
        "GitHub reads names without regard to case, so remove one",
    );
    return false;
  }
}

class SearchSelection extends RepositorySelection {
  override readonly targets: readonly WebhookTarget[];
  readonly #problems: string[];

  constructor(props: OwnerSelectionProps | TopicSelectionProps) {
    super();
    const { owner, includeForks = false } = props;
    const topic = "topic" in props ? props.topic : undefined;
    this.#problems = [...loginProblems("selection.owner", owner), ...topicProblems(topic)];
    // `user:` finds the repositories of an organization, too. Forks are left out unless they are asked for.
    const query = [
      `user:${owner}`,
      ...(topic === undefined ? [] : [`topic:${topic}`]),
      "archived:false",
      ...(includeForks ? ["fork:true"] : []),
    ].join(" ");
    this.targets = this.#problems.length > 0 ? [] : [{ kind: "search", owner, query }];
  }

  override problems(): string[] {
    return [...this.#problems];
  }
}

class OrganizationSelection extends RepositorySelection {
  override readonly targets: readonly WebhookTarget[];
  readonly #problems: string[];

  constructor({ organization }: OrganizationSelectionProps) {
    super();
    this.#problems = loginProblems("selection.organization", organization);
    this.targets = this.#problems.length > 0 ? [] : [{ kind: "organization", owner: organization }];
  }

  override problems(): string[] {
    return [...this.#problems];
  }
}

/** What is wrong with the login of a user or an organization. */
export function loginProblems(at: string, login: string): string[] {
  if (matches(OWNER, login)) return [];
  return [
    `${at}: must be the login of a GitHub account, got ${shown(login)}; write it as in github.com/<login>`,
  ];
}

function topicProblems(topic: string | undefined): string[] {
  if (topic === undefined || matches(TOPIC, topic)) return [];
  return [
    `selection.topic: must be lower-case letters, digits and hyphens, at most 50, got ${shown(topic)}; ` +
      "write it as GitHub shows it",
  ];
}

/** A received text; names decide which resources there are, so they must be known when the stack is synthesized. */
function shown(text: string): string {
  return Token.isUnresolved(text) ? "a value that is known only at apply" : JSON.stringify(text);
}

/** An order that is the same on every machine, whatever its language. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
