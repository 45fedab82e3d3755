import type { NomadStandIn } from "../../local/nomad/nomad";
import { startNomad } from "../../local/nomad/nomad";
import type { Capability, NomadJob, NomadTask, NomadToken } from "../../local/nomad/types";
import { type RecordedJob, type Recording, playRecording, readRecording } from "./support/recording";

const DEFAULT_RULES: RecordedJob = { payload: "optional", metaRequired: [], metaOptional: [] };

/** The jobs that a recording was made with. */
function recordedJobs(recording: Recording): NomadJob[] {
  return Object.entries(recording.jobs).map(([id, job]) => ({
    id,
    parameterized: typeof job === "string" ? (job.startsWith("parameterized") ? DEFAULT_RULES : null) : job,
    stopped: typeof job === "string" && job.endsWith("stopped"),
    tasks: tasksOf(job),
  }));
}

function tasksOf(job: RecordedJob | string): NomadTask[] {
  if (job === "service") return [sleep("main", "600")];
  if (typeof job === "string" || job.runs !== "sleep") return [];
  return [sleep("main", "600"), { ...sleep("after", "0.2"), lifecycle: "poststop" }];
}

function sleep(name: string, seconds: string): NomadTask {
  return {
    name,
    lifecycle: "main",
    command: "/bin/sleep",
    args: [seconds],
    env: {},
    payloadFile: null,
    templates: [],
    killSignal: "SIGTERM",
    killTimeoutMs: 2_000,
  };
}

/** The tokens that a recording was made with, as far as their rules are read here. */
function recordedTokens(recording: Recording): NomadToken[] {
  return Object.entries(recording.tokens).map(([name, rules]) => {
    const listed = /capabilities = (\[.*?\])/.exec(rules)?.[1];
    const capabilities: readonly Capability[] =
      listed === undefined ? ["list-jobs", "read-job"] : (JSON.parse(listed) as Capability[]);
    return { secret: `secret of ${name}`, name, capabilities };
  });
}

describe.each([
  ["nomad-dispatch", 25],
  ["nomad-drain", 45],
] as const)("the Nomad stand-in, held to what a real Nomad answered: %s", (name, atLeast) => {
  const recording = readRecording(name);
  let nomad: NomadStandIn;
  let played: Awaited<ReturnType<typeof playRecording>>;

  beforeAll(async () => {
    nomad = await startNomad({ jobs: recordedJobs(recording), tokens: recordedTokens(recording) });
    const secrets = Object.keys(recording.tokens).map((token) => [token, `secret of ${token}`] as const);
    played = await playRecording(recording, nomad.url, Object.fromEntries(secrets));
  });
  afterAll(() => nomad.close());

  test("has every recorded exchange to compare with", () => {
    expect(played).toHaveLength(recording.exchanges.length);
    expect(played.length).toBeGreaterThanOrEqual(atLeast);
  });

  test.each(recording.exchanges.map((exchange, index) => [exchange.name, index] as const))(
    "answers: %s",
    (_name, index) => {
      const exchange = played[index];
      expect(exchange?.given).toEqual(exchange?.recorded);
    },
  );
});
