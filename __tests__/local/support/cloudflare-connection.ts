import { randomUUID } from "node:crypto";
import { request } from "node:http";

/**
 * Registers as a connector and holds the connection, without the program that does so otherwise.
 * @returns ends the connection
 * @throws Error when the edge refuses the token
 */
export function holdConnector(
  edgeUrl: string,
  token: string,
  connectorId = randomUUID(),
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const connection = request(
      `${edgeUrl}/_connectors`,
      { method: "POST", headers, agent: false },
      (answer) => {
        answer.on("error", () => undefined);
        if (answer.statusCode !== 200) {
          answer.resume();
          reject(new Error(`the edge answered ${String(answer.statusCode)}`));
          return;
        }
        answer.once("data", () => {
          resolve(() => {
            connection.destroy();
          });
        });
      },
    );
    connection.once("error", reject);
    connection.end(JSON.stringify({ connectorId, version: "test" }));
  });
}
