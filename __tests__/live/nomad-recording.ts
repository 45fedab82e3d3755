import { isDeepStrictEqual } from "node:util";
import { type Recording, playRecording, readRecording } from "../local/support/recording";
import type { NomadAgent } from "./nomad-agent";

/**
 * Plays the recording that holds the Nomad stand-in against a real Nomad, in its namespace `default`.
 * @returns how many answers there were, and a text for each that was not as recorded
 */
export async function playOnAgent(
  agent: NomadAgent,
): Promise<{ readonly answers: number; readonly different: readonly string[] }> {
  const recording = readRecording();
  await registerJobs(agent, recording);
  const secrets = await makeTokens(agent, recording);
  const played = await playRecording(recording, agent.url, secrets);
  const different = played
    .filter(({ recorded, given }) => !isDeepStrictEqual(recorded, given))
    .map(
      ({ name, recorded, given }) =>
        `${name}\n  recorded ${JSON.stringify(recorded)}\n  given    ${JSON.stringify(given)}`,
    );
  return { answers: played.length, different };
}

async function registerJobs(agent: NomadAgent, recording: Recording): Promise<void> {
  for (const [id, job] of Object.entries(recording.jobs)) {
    const rules = typeof job === "string" ? { payload: "optional", metaRequired: [], metaOptional: [] } : job;
    const { payload, metaRequired, metaOptional } = rules;
    const parameterized = { Payload: payload, MetaRequired: metaRequired, MetaOptional: metaOptional };
    const task = {
      Name: "t",
      Driver: "raw_exec",
      Config: { command: "/bin/true" },
      Resources: { CPU: 20, MemoryMB: 16 },
    };
    await agent.call("POST", "/v1/jobs", {
      Job: {
        ID: id,
        Name: id,
        Type: "batch",
        Datacenters: ["*"],
        ...(job === "not parameterized" ? {} : { ParameterizedJob: parameterized }),
        TaskGroups: [{ Name: "g", Count: 1, Tasks: [task] }],
      },
    });
    if (typeof job === "string" && job.endsWith("stopped")) await agent.call("DELETE", `/v1/job/${id}`);
  }
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
