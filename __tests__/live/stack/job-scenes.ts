import { createHmac } from "node:crypto";
import type { JobView } from "../../../local/github/types";
import { type Check, check, holds } from "../report";
import { checkSecrecy, describe } from "./deploy-scenes";
import type { StateResource } from "./deployment";
import { throughFrontDoor } from "./front-door";
import type { LiveStack } from "./live-stack";
import { CLASS_JOB, CONNECTOR_JOB, HOSTNAME, NAMESPACE, NOMAD_HOSTNAME, PRIVATE, PUBLIC } from "./settings";

const MATRIX_SIZE = 4;
/** Between two jobs while the credentials rotate. */
const ARRIVAL_MS = 1_000;
/** The application asks for 401 in place of a redirect to a login. */
const REFUSED_BY_ACCESS = /^401 text\/html /;
const DISPATCH_PATH = `/v1/job/${CLASS_JOB}/dispatch`;

/** Deliveries of the provider's hooks start runners, through Access, the tunnel and its rules. */
export async function playJobs(live: LiveStack): Promise<readonly Check[]> {
  const { cloudflare } = live.systems;
  const first = await live.jobs.queue({ repository: PRIVATE });
  await live.jobs.ended([first]);
  const others = await Promise.all([
    ...Array.from({ length: MATRIX_SIZE }, (_, index) =>
      live.jobs.queue({ repository: PRIVATE, name: `matrix (${String(index + 1)})` }),
    ),
    live.jobs.queue({ repository: PUBLIC, name: "public" }),
  ]);
  await live.jobs.ended(others);
  const jobs = [first, ...others];
  const access = cloudflare.events.all().flatMap((event) => (event.type === "access" ? [event] : []));
  const accepted = access.filter(({ outcome, tokenId }) => outcome === "accepted" && tokenId !== null);
  return [
    ...(await live.jobs.checks(jobs)),
    holds(
      `Access let the Worker's ${String(accepted.length)} requests through by its service token`,
      access.length === accepted.length && accepted.length >= jobs.length,
      ...access.map(({ outcome, hostname }) => `${outcome} ${hostname}`),
    ),
  ];
}

/** What is not the Worker's dispatch does not get to Nomad. */
export async function playStrangers(live: LiveStack): Promise<readonly Check[]> {
  const state = await live.deployment.state();
  const service = valuesOf(state, "cloudflare_zero_trust_access_service_token");
  const nomad = valuesOf(state, "nomad_acl_token");
  const access = {
    "CF-Access-Client-Id": String(service["client_id"]),
    "CF-Access-Client-Secret": String(service["client_secret"]),
  };
  const bearer = { Authorization: `Bearer ${String(nomad["secret_id"])}` };
  const ask = async (path: string, headers: Readonly<Record<string, string>>): Promise<string> => {
    const {
      status,
      headers: given,
      text,
    } = await throughFrontDoor(live, NOMAD_HOSTNAME, path, {
      method: "POST",
      headers,
      body: "{}",
    });
    const kind = String(given["content-type"] ?? "").split(";", 1)[0] ?? "";
    return `${String(status)} ${kind} ${text.slice(0, 60)}`;
  };
  const expected = async (
    text: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    due: RegExp,
  ): Promise<Check> => {
    const given = await ask(path, headers);
    return holds(text, due.test(given), given);
  };
  const unsigned = await throughFrontDoor(live, HOSTNAME, "/webhook", { method: "POST", body: "{}" });
  return [
    await expected("without the service token, Access refuses", DISPATCH_PATH, bearer, REFUSED_BY_ACCESS),
    await expected(
      "with a wrong one, too",
      DISPATCH_PATH,
      { ...access, ...bearer, "CF-Access-Client-Secret": "wrong" },
      REFUSED_BY_ACCESS,
    ),
    await expected("with it, any other path of Nomad is 404", "/v1/jobs", { ...access, ...bearer }, /^404 /),
    await expected(
      "so is a job that is no class's",
      `/v1/job/${CONNECTOR_JOB}/dispatch`,
      { ...access, ...bearer },
      /^404 /,
    ),
    await expected(
      "without Nomad's token, Nomad itself refuses",
      `${DISPATCH_PATH}?namespace=${NAMESPACE}`,
      access,
      /^403 text\/plain Permission denied/,
    ),
    holds("the Worker refuses an unsigned delivery", unsigned.status === 401, String(unsigned.status)),
  ];
}

/** When no job waits, nothing runs. */
export async function playScaleToZero(live: LiveStack): Promise<readonly Check[]> {
  const { nomad } = live.systems;
  const { status_token: token } = await live.deployment.outputs();
  const { text } = await throughFrontDoor(live, HOSTNAME, "/status", {
    headers: { Authorization: `Bearer ${String(token)}` },
  });
  const status = JSON.parse(text) as LedgerStatus;
  const allocations = (await nomad.call("GET", "/v1/allocations?namespace=*")) as readonly AllocationView[];
  const running = allocations.filter(({ ClientStatus }) => ["running", "pending"].includes(ClientStatus));
  return [
    ...(await live.jobs.gone()),
    holds(
      "the cluster runs the two connectors and nothing else",
      running.length === 2 && running.every(({ JobID }) => JobID === CONNECTOR_JOB),
      ...running.map(({ JobID, ClientStatus }) => `${JobID} ${ClientStatus}`),
    ),
    check("the ledger has every job completed, every runner ended, and no problem", [
      ...((status.jobs["completed"] ?? 0) > 0 ? [] : ["no job is completed"]),
      ...Object.keys(status.jobs).filter((state) => state !== "completed"),
      ...Object.keys(status.runners).filter((state) => !state.startsWith("ended_")),
      ...[...status.scopes, ...status.problems].map((each) => JSON.stringify(each)),
    ]),
  ];
}

/** Nomad's token and the webhook secret are changed while jobs arrive. */
export async function playRotation(live: LiveStack): Promise<readonly Check[]> {
  const before = await live.deployment.state();
  const { webhookSecret, nomadToken } = live.settings.generations;
  await live.change({ generations: { webhookSecret: webhookSecret + 1, nomadToken: nomadToken + 1 } });
  const arriving = new Arrivals(live);
  try {
    await live.deployment.deploy();
  } finally {
    arriving.stop();
  }
  const jobs = await arriving.all();
  const late = await live.jobs.queue({ repository: PRIVATE, name: "after the rotation" });
  await live.jobs.ended([...jobs, late]);
  const after = await live.deployment.state();
  const again = await live.deployment.diff();
  const signed = signatures(live, [...jobs, late], before, after);
  return [
    ...(await live.jobs.checks([...jobs, late])),
    holds(
      `deliveries were signed with the old secret (${String(signed.old)}) and with the new one (${String(signed.new)})`,
      signed.old > 0 && signed.new > 0 && signed.other === 0,
      `${String(signed.other)} with neither`,
    ),
    ...(await tokenChecks(live, before, after)),
    check("then there is no change", again.changes.map(describe)),
    ...(await checkSecrecy(live)),
  ];
}

/** Queues a job every now and then. */
class Arrivals {
  readonly #live: LiveStack;
  readonly #queued: Promise<JobView>[] = [];
  readonly #clock: NodeJS.Timeout;

  constructor(live: LiveStack) {
    this.#live = live;
    this.#queue();
    this.#clock = setInterval(() => {
      this.#queue();
    }, ARRIVAL_MS);
  }

  stop(): void {
    clearInterval(this.#clock);
  }

  all(): Promise<readonly JobView[]> {
    return Promise.all(this.#queued);
  }

  #queue(): void {
    const queued = this.#live.jobs.queue({
      repository: PRIVATE,
      name: `arriving (${String(this.#queued.length + 1)})`,
    });
    // Whoever asks for all of them hears of it.
    queued.catch(() => undefined);
    this.#queued.push(queued);
  }
}

/** By which secret the deliveries of jobs were signed. */
function signatures(
  live: LiveStack,
  jobs: readonly JobView[],
  before: readonly StateResource[],
  after: readonly StateResource[],
): { readonly old: number; readonly new: number; readonly other: number } {
  const [old, next] = [before, after].map((state) => webhookSecretOf(state));
  const counts = { old: 0, new: 0, other: 0 };
  for (const { jobId, requestHeaders, payload } of live.systems.github.deliveries()) {
    if (!jobs.some(({ id }) => id === jobId)) continue;
    const given = requestHeaders["X-Hub-Signature-256"];
    const by = (secret = ""): string =>
      `sha256=${createHmac("sha256", secret).update(payload).digest("hex")}`;
    counts[given === by(old) ? "old" : given === by(next) ? "new" : "other"] += 1;
  }
  return counts;
}

/** What the stack's hooks are made with. */
function webhookSecretOf(state: readonly StateResource[]): string {
  const { configuration } = valuesOf(state, "github_repository_webhook");
  return String((configuration as { readonly secret?: string }[] | undefined)?.[0]?.secret);
}

async function tokenChecks(
  { systems: { nomad } }: LiveStack,
  before: readonly StateResource[],
  after: readonly StateResource[],
): Promise<readonly Check[]> {
  const [old, next] = [before, after].map((state) => valuesOf(state, "nomad_acl_token"));
  const tokens = (await nomad.call("GET", "/v1/acl/tokens")) as readonly { readonly AccessorID: string }[];
  const there = (values: StateResource["values"] | undefined): boolean =>
    tokens.some(({ AccessorID }) => AccessorID === values?.["accessor_id"]);
  return [
    holds("Nomad's token is another one", old?.["secret_id"] !== next?.["secret_id"], "it is the same"),
    check("the new one is there and the old one is revoked", [
      ...(there(next) ? [] : ["the new one is not there"]),
      ...(there(old) ? ["the old one is still there"] : []),
    ]),
  ];
}

function valuesOf(state: readonly StateResource[], type: string): StateResource["values"] {
  const found = state.find((resource) => resource.mode === "managed" && resource.type === type);
  if (found === undefined) throw new Error(`the state has no ${type}`);
  return found.values;
}

interface AllocationView {
  readonly JobID: string;
  readonly ClientStatus: string;
}

/** Of `/status`: states and their counts, and what is still to do. */
interface LedgerStatus {
  readonly jobs: Readonly<Record<string, number>>;
  readonly runners: Readonly<Record<string, number>>;
  readonly scopes: readonly unknown[];
  readonly problems: readonly unknown[];
}
