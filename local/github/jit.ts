import type { Runner } from "./types";

/**
 * What `generate-jitconfig` returns for a listener: base64 of a JSON map from file name to base64 of its content. The
 * listener writes these files into its root directory.
 * @see https://github.com/actions/runner/blob/v2.336.0/src/Runner.Listener/Runner.cs (ExecuteCommand)
 */
export function encodeJitConfig(runner: Runner, serverUrl: string): string {
  const files = {
    ".runner": {
      AgentId: String(runner.id),
      AgentName: runner.name,
      PoolId: String(runner.groupId),
      PoolName: "Default",
      ServerUrl: serverUrl,
      GitHubUrl: `${serverUrl}/${runner.scope}`,
      WorkFolder: "_work",
      Ephemeral: "True",
    },
    // The real one holds a client id and a key to get a token with; the stand-in's listener gets the token at once.
    ".credentials": { Scheme: "OAuth", Data: { ClientId: String(runner.id), Token: runner.token } },
    ".credentials_rsaparams": {},
  };
  const encoded = Object.entries(files).map(
    ([name, content]) => [name, base64(JSON.stringify(content))] as const,
  );
  return base64(JSON.stringify(Object.fromEntries(encoded)));
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
