import { markOf } from "./marks";
import type { Row, Statement } from "./statement";

/** Strays shown at once; the counts are of all. */
const MOST_SHOWN = 50;

/** A registration without a runner, or a runner without a registration. */
export interface Stray {
  readonly name: string;
  readonly scope: string;
  /** Who has it. */
  readonly side: "github" | "ledger";
  readonly sightings: number;
  readonly first_at: number;
}

/** What an operator may see of the clean-up. */
export interface CleanUpView {
  /** When a scope was last compared to its end, and which. */
  readonly passAt: number | null;
  readonly scope: string | null;
  /** When something was last removed, and how much since the ledger was made. */
  readonly removedAt: number | null;
  readonly registrations: number;
  readonly runners: number;
  /** How many strays each side has; null where nothing is compared. */
  readonly github: number | null;
  readonly ledger: number | null;
  /** The longest known ones. */
  readonly strays: readonly Stray[];
}

const SUMS = `SELECT ${markOf("clean_up", "at")} AS passAt, ${markOf("clean_up", "value ->> 'scope'")} AS scope,
    ${markOf("cleaned_up", "at")} AS removedAt, coalesce(${markOf("cleaned_up", "value ->> 'registrations'")}, 0) AS registrations,
    coalesce(${markOf("cleaned_up", "value ->> 'runners'")}, 0) AS runners,
    coalesce(sum(side = 'github'), 0) AS github, coalesce(sum(side = 'ledger'), 0) AS ledger FROM strays`;
const STRAYS = `SELECT name, scope, side, sightings, first_at FROM strays ORDER BY first_at, name LIMIT ${MOST_SHOWN}`;

/** What {@link cleanUpOf} reads the rows of. */
export const CLEAN_UP: readonly [Statement, Statement] = [
  { sql: SUMS, params: {} },
  { sql: STRAYS, params: {} },
];

/** @param compares whether the clean-up is on; what it once knew is no news otherwise */
export function cleanUpOf(sums: readonly Row[], strays: readonly Row[], compares: boolean): CleanUpView {
  const view = { ...sums[0], strays } as unknown as CleanUpView;
  return compares ? view : { ...view, github: null, ledger: null, strays: [] };
}
