import type { NomadStandIn } from "../../local/nomad/nomad";
import { startNomad } from "../../local/nomad/nomad";
import type { NomadJob } from "../../local/nomad/types";
import { playRecording, readRecording } from "./support/recording";

const recording = readRecording();

/** The jobs that the recording was made with, none of which runs anything. */
function recordedJobs(): NomadJob[] {
  return Object.entries(recording.jobs).map(([id, job]) => ({
    id,
    parameterized:
      typeof job === "string"
        ? job.startsWith("parameterized")
          ? { payload: "optional", metaRequired: [], metaOptional: [] }
          : null
        : job,
    stopped: typeof job === "string" && job.endsWith("stopped"),
    tasks: [],
  }));
}

describe("the Nomad stand-in, held to what a real Nomad answered", () => {
  let nomad: NomadStandIn;
  let played: Awaited<ReturnType<typeof playRecording>>;

  beforeAll(async () => {
    nomad = await startNomad({
      jobs: recordedJobs(),
      tokens: [
        { secret: "dispatch-only-secret", capabilities: ["dispatch-job"] },
        { secret: "read-only-secret", capabilities: ["list-jobs", "read-job"] },
      ],
    });
    const secrets = { "dispatch-only": "dispatch-only-secret", "read-only": "read-only-secret" };
    played = await playRecording(recording, nomad.url, secrets);
  });
  afterAll(() => nomad.close());

  test("has every recorded exchange to compare with", () => {
    expect(played).toHaveLength(recording.exchanges.length);
    expect(played.length).toBeGreaterThan(25);
  });

  test.each(recording.exchanges.map(({ name }, index) => [name, index] as const))(
    "answers: %s",
    (_name, index) => {
      const exchange = played[index];
      expect(exchange?.given).toEqual(exchange?.recorded);
    },
  );
});
