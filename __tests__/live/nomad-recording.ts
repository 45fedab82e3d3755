import { isDeepStrictEqual } from "node:util";
import { type RecordedJob, type Recording, playRecording, readRecording } from "../local/support/recording";
import type { NomadAgent } from "./nomad-agent";

/**
 * Plays the recordings that hold the Nomad stand-in against a real Nomad, in its namespace `default`.
 * @returns how many answers there were, and a text for each that was not as recorded
 */
export async function playOnAgent(
  agent: NomadAgent,
): Promise<{ readonly answers: number; readonly different: readonly string[] }> {
  let answers = 0;
  const different: string[] = [];
  for (const name of ["nomad-dispatch", "nomad-drain"] as const) {
    const recording = readRecording(name);
    await registerJobs(agent, recording);
    const played = await playRecording(recording, agent.url, await makeTokens(agent, recording));
    answers += played.length;
    different.push(
      ...played
        .filter(({ recorded, given }) => !isDeepStrictEqual(recorded, given))
        .map(
          (it) =>
            `${it.name}\n  recorded ${JSON.stringify(it.recorded)}\n  given    ${JSON.stringify(it.given)}`,
        ),
    );
    await purgeJobs(agent, recording);
  }
  return { answers, different };
}

async function registerJobs(agent: NomadAgent, recording: Recording): Promise<void> {
  for (const [id, job] of Object.entries(recording.jobs)) {
    await agent.call("POST", "/v1/jobs", { Job: { ID: id, Name: id, ...specification(job) } });
    if (typeof job === "string" && job.endsWith("stopped")) await agent.call("DELETE", `/v1/job/${id}`);
  }
}

/** One recording's jobs are not there for the next, nor their children. */
async function purgeJobs(agent: NomadAgent, { jobs }: Recording): Promise<void> {
  const listed = (await agent.call("GET", "/v1/jobs")) as { ID: string; ParentID: string }[];
  const own = listed.filter(({ ID, ParentID }) => ID in jobs || ParentID in jobs);
  for (const { ID } of own) await agent.call("DELETE", `/v1/job/${encodeURIComponent(ID)}?purge=true`);
}

function specification(job: RecordedJob | string): object {
  const rules: RecordedJob =
    typeof job === "string" ? { payload: "optional", metaRequired: [], metaOptional: [] } : job;
  const { payload, metaRequired, metaOptional, runs } = rules;
  const parameterized = { Payload: payload, MetaRequired: metaRequired, MetaOptional: metaOptional };
  const sleeps = job === "service" || runs === "sleep";
  const after = task("after", "/bin/sleep", "0.2");
  return {
    Type: job === "service" ? "service" : "batch",
    Datacenters: [runs === "no room" ? "nowhere" : "*"],
    ...(job === "not parameterized" || job === "service" ? {} : { ParameterizedJob: parameterized }),
    TaskGroups: [
      {
        Name: "g",
        Count: 1,
        Tasks: [
          sleeps ? task("main", "/bin/sleep", "600") : task("main", "/bin/true"),
          ...(runs === undefined ? [] : [{ ...after, Lifecycle: { Hook: "poststop" } }]),
        ],
      },
    ],
  };
}

function task(name: string, command: string, ...args: readonly string[]): object {
  const Resources = { CPU: 20, MemoryMB: 16 };
  return { Name: name, Driver: "raw_exec", Config: { command, args }, Resources };
}

async function makeTokens(agent: NomadAgent, recording: Recording): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const [name, rules] of Object.entries(recording.tokens)) {
    // A rule stands on one line there; HCL wants the block's content on a line of its own.
    await agent.call("POST", `/v1/acl/policy/${name}`, { Name: name, Rules: rules });
    const made = await agent.call("POST", "/v1/acl/token", { Name: name, Type: "client", Policies: [name] });
    secrets[name] = (made as { SecretID: string }).SecretID;
  }
  return secrets;
}
