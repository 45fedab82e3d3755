/** Everything that the suite can break, each for itself. */
export const FAULTS = {
  "delivery-duplicate": "deliveries come two or three times under one GUID",
  "delivery-delay": "deliveries come late, and so in another order",
  "delivery-drop": "a tenth of the deliveries is lost: never sent, or failed as the deliveries API shows it",
  "delivery-forged":
    "deliveries with a wrong signature, with a right one and a hostile body, and old ones once more",
  "nomad-429": "Nomad limits the Worker's connections",
  "nomad-500": "Nomad has no leader, or says of a job that is there that it is not",
  "nomad-530": "no connector is connected, or it does not reach Nomad",
  "nomad-access": "Access refuses the service token with its page",
  "nomad-redirect": "Access redirects to its login",
  "nomad-hang": "Nomad does not answer",
  "nomad-refuse": "Nomad refuses or breaks connections for moments",
  "nomad-down": "Nomad is down for a minute of the ledger's time",
  "nomad-lose": "Nomad dispatches, and its answer is lost",
  "github-403": "GitHub limits calls",
  "github-409": "GitHub says that a runner of the name is there",
  "github-422": "GitHub refuses what it is told, or to delete a runner that it takes for busy",
  "github-5xx": "GitHub fails, with or without having done what it was asked",
  "github-hang": "GitHub does not answer",
  "runner-death": "runners die at every step of their life",
  "runner-deaf": "answers to a claim are lost on the way to the runner",
  "node-loss":
    "nodes are lost, and their allocations are placed anew, at times with the old one still at work",
  "worker-kill": "workerd is killed and starts again on the same ledger, in the middle of deliveries too",
  clocks: "GitHub's clock and the ends of claims are up to ten minutes off",
} as const satisfies Record<string, string>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/** What is broken in one run. */
export type FaultSet = ReadonlySet<FaultName>;

/**
 * Reads a list of faults: names, or the first word of a group (`nomad`: all of Nomad's). `all` and `none` are lists, too.
 * @throws RangeError that names what is allowed
 */
export function faultSet(list: string): FaultSet {
  if (list === "all") return new Set(FAULT_NAMES);
  if (list === "none") return new Set();
  const found = list.split(",").flatMap((word) => {
    const named = FAULT_NAMES.filter((name) => name === word || name.startsWith(`${word}-`));
    if (named.length === 0 || word === "") {
      throw new RangeError(
        `--faults takes all, none, or a list of ${FAULT_NAMES.join(", ")} (or of their first words), got ${JSON.stringify(word)}`,
      );
    }
    return named;
  });
  return new Set(found);
}
