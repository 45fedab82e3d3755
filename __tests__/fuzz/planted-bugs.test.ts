import { createHmac } from "node:crypto";
import { type FuzzResult, type Target, fuzz } from "./engine";

/** A fault put into one of the Worker's modules, and the target that has to find it. */
interface Planted {
  readonly bug: string;
  readonly target: string;
  readonly module: string;
  /** @param actual the module as it is @returns what of it is replaced */
  readonly plant: (actual: Module) => Module;
}

type Module = Readonly<Record<string, unknown>>;

/** By their names, as the modules export them. */
type Verify = (header: string | null, body: Uint8Array, secrets: readonly string[]) => Promise<boolean>;
type VerifyAny = (keys: readonly string[], signature: Uint8Array, message: Uint8Array) => Promise<boolean>;
type Parse = (headers: Headers, body: Uint8Array) => unknown;
type VerifyClaim = (
  text: string | null,
  keys: readonly string[],
  now: number,
  grace: number,
) => Promise<unknown>;
type Decide = (...given: readonly unknown[]) => object;
type Select = (
  rules: unknown,
  classes: readonly { readonly labels: readonly string[] }[],
  labels: readonly string[],
) => unknown;
type Classify = (status: number, headers: Headers, text: string) => object;

const PATTERNS = "../../contracts/patterns";

const PLANTED: readonly Planted[] = [
  {
    bug: "takes the beginning of a signature for the whole",
    target: "signature",
    module: "../../worker/signature",
    plant: ({ verifySignature }) => ({
      verifySignature: (async (header, body, secrets) => {
        const begins = (key: string): boolean =>
          `sha256=${createHmac("sha256", key).update(body).digest("hex")}`.startsWith(header ?? "?");
        return (
          ((header ?? "").length > 60 && secrets.some((key) => key !== "" && begins(key))) ||
          (verifySignature as Verify)(header, body, secrets)
        );
      }) satisfies Verify,
    }),
  },
  {
    bug: "does not look at the case of a signature",
    target: "signature",
    module: "../../worker/signature",
    plant: ({ verifySignature }) => ({
      verifySignature: (async (header, body, secrets) =>
        (verifySignature as Verify)(header?.toLowerCase() ?? null, body, secrets)) satisfies Verify,
    }),
  },
  {
    bug: "forgets the previous key",
    target: "signature",
    module: "../../worker/hmac",
    plant: ({ hmacVerifyAny }) => ({
      hmacVerifyAny: (async (keys, signature, message) =>
        (hmacVerifyAny as VerifyAny)(keys.slice(0, 1), signature, message)) satisfies VerifyAny,
    }),
  },
  {
    bug: "has a repository's pattern without its end",
    target: "event",
    module: PATTERNS,
    plant: without("REPOSITORY_FULL_NAME", /\$$/),
  },
  {
    bug: "has a runner name's pattern without its beginning",
    target: "event",
    module: PATTERNS,
    plant: without("RUNNER_NAME", /^\^/),
  },
  {
    bug: "has a GUID's pattern without its end",
    target: "event",
    module: PATTERNS,
    plant: without("DELIVERY_GUID", /\$$/),
  },
  {
    bug: "does not clean a job's name",
    target: "event",
    module: PATTERNS,
    plant: () => ({
      cleanJobName: (name: unknown) => (typeof name === "string" && name !== "" ? name.slice(0, 100) : "_"),
    }),
  },
  {
    bug: "starts a runner for a job that waits for an approval",
    target: "event",
    module: "../../worker/event",
    plant: ({ parseEvent }) => ({
      parseEvent: ((headers, body) => {
        const text = Buffer.from(body)
          .toString("utf8")
          .replace(/"status":"waiting"/g, '"status":"queued"');
        return (parseEvent as Parse)(headers, Buffer.from(text));
      }) satisfies Parse,
    }),
  },
  {
    bug: "takes a claim with something behind it",
    target: "claim",
    module: "../../contracts/claim",
    plant: () => ({ CLAIM_TEXT: /^([A-Za-z0-9_-]{1,1024})\.([A-Za-z0-9_-]{43})/ }),
  },
  {
    bug: "takes a claim of another version",
    target: "claim",
    module: "../../contracts/claim",
    plant: ({ parseClaim }) => ({
      parseClaim: (value: unknown) => {
        const { extra: _, ...rest } = (value ?? {}) as Module;
        return (parseClaim as (value: unknown) => unknown)(rest);
      },
    }),
  },
  {
    bug: "takes a claim in the very moment in which it ends",
    target: "claim",
    module: "../../worker/claim-token",
    plant: ({ verifyClaim }) => ({
      verifyClaim: (async (text, keys, now, grace) =>
        (verifyClaim as VerifyClaim)(text, keys, now - 1, grace)) satisfies VerifyClaim,
    }),
  },
  {
    bug: "makes a regular expression of a repository's pattern",
    target: "policy",
    module: "../../contracts/repository-pattern",
    plant: () => ({
      isListed: (patterns: readonly string[], name: string) =>
        patterns.some((one) => new RegExp(`^${one.replaceAll("*", "[^/]*")}$`, "i").test(name)),
    }),
  },
  {
    bug: "lets the pull requests of forks through",
    target: "policy",
    module: "../../worker/policy",
    plant: ({ decide }) => ({
      decide: (...given: readonly unknown[]) => {
        const decision = (decide as Decide)(...given);
        return "forkCheck" in decision ? { ...decision, forkCheck: false } : decision;
      },
    }),
  },
  {
    bug: "takes the first class that fits, before one that fits exactly",
    target: "policy",
    module: "../../worker/select-class",
    plant: ({ selectClass }) => ({
      selectClass: ((rules, classes, labels) => {
        const small = (all: readonly string[]): string[] => all.map((one) => one.toLowerCase());
        const first = classes.find((one) =>
          small(labels).every((label) => small(one.labels).includes(label)),
        );
        return (selectClass as Select)(rules, first === undefined ? classes : [first], labels);
      }) satisfies Select,
    }),
  },
  {
    bug: "bounds no pickup deadline",
    target: "policy",
    module: "../../contracts/policy",
    plant: ({ CLASS_BOUNDS }) => ({
      CLASS_BOUNDS: {
        ...(CLASS_BOUNDS as Module),
        pickupDeadlineSeconds: { min: 0, max: 1e9, default: 300 },
      },
    }),
  },
  {
    bug: "does not look at an answer's type",
    target: "nomad-answer",
    module: "../../worker/nomad-answer",
    plant: ({ classifyAnswer }) => ({
      classifyAnswer: ((status, headers, text) => {
        const { location } = Object.fromEntries(headers);
        return (classifyAnswer as Classify)(
          status,
          new Headers(location === undefined ? {} : { location }),
          text,
        );
      }) satisfies Classify,
    }),
  },
  {
    bug: "repeats what a proxy repeats",
    target: "nomad-answer",
    module: "../../worker/bounded-fetch",
    plant: () => ({ cleanDetail: (text: string) => text.replace(/[^ -~]+/g, " ").slice(0, 200) }),
  },
  {
    bug: "waits for as long as it is told",
    target: "nomad-answer",
    module: "../../worker/bounded-fetch",
    plant: () => ({
      retryAfter: (headers: Headers) => Number.parseInt(headers.get("retry-after") ?? "", 10) || null,
    }),
  },
  {
    bug: "has a job name's pattern without its end",
    target: "dispatch",
    module: PATTERNS,
    plant: without("JOB_NAME", /\$$/),
  },
  {
    bug: "has an owner's pattern without its beginning",
    target: "dispatch",
    module: PATTERNS,
    plant: without("OWNER", /^\^/),
  },
  {
    bug: "takes half a run for a whole one",
    target: "dispatch",
    module: PATTERNS,
    plant: () => ({ isId: (value: unknown) => typeof value === "number" && value > 0 }),
  },
];

/** One of the patterns with an anchor taken off. */
function without(name: string, anchor: RegExp): Planted["plant"] {
  return (actual) => ({ [name]: new RegExp((actual[name] as RegExp).source.replace(anchor, "")) });
}

/** Far above what the slowest of them takes. */
const MOST_RUNS = 40_000;

/** What every hunt loads, loaded once. */
const SHARED = ["fast-check", "@octokit/webhooks-examples"].map(
  (name) => [name, jest.requireActual<Module>(name)] as const,
);

async function hunt({ target, module, plant }: Planted): Promise<FuzzResult> {
  try {
    jest.resetModules();
    for (const [name, shared] of SHARED) jest.doMock(name, () => shared);
    jest.doMock(module, () => {
      const actual = jest.requireActual<Module>(module);
      return { ...actual, ...plant(actual) };
    });
    const exported = Object.values((await import(`./targets/${target}`)) as Module) as readonly Target[];
    const found = exported.find(({ name }) => name === target);
    if (found === undefined) throw new Error(`no target ${target}`);
    return await fuzz(found, { seed: 7, goOn: (runs) => runs < MOST_RUNS, coverage: null, corpus: [] });
  } finally {
    jest.dontMock(module);
  }
}

describe("fuzzing, without the corpus and without a look at the code", () => {
  test.each(PLANTED)("finds a Worker that $bug", async (planted) => {
    const { failure } = await hunt(planted);
    expect(failure).not.toBeNull();
    expect(failure?.error.message).toMatch(/^[a-z][a-z ,:']+/);
    // Small enough to be read.
    expect(JSON.stringify(failure?.input).length).toBeLessThan(600);
  });
});
