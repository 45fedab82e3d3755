import { sharedNow } from "../clock";
import { openConnection } from "./connection";

/** What became of a list of requests, in its order. */
export interface Driven {
  /** When each was sent, on the clock of {@link sharedNow}. */
  readonly sentAt: readonly number[];
  /** How long each waited for its answer. */
  readonly milliseconds: readonly number[];
  readonly statuses: readonly number[];
  /** From the first byte sent to the last answer. */
  readonly wallMs: number;
  /** The last answer's, for people to read when it was not the one expected. */
  readonly lastBody: string;
}

/** How requests are sent. */
export interface Way {
  readonly port: number;
  readonly connections: number;
  /** Between an answer and the next request of its connection. */
  readonly pauseMs: number;
}

/** Sends all, each connection its next when it has its answer, after a pause. */
export async function drive(
  { port, connections, pauseMs }: Way,
  requests: readonly Buffer[],
): Promise<Driven> {
  const sentAt: number[] = [];
  const milliseconds: number[] = [];
  const statuses: number[] = [];
  let lastBody = "";
  let next = 0;
  const open = await Promise.all(
    Array.from({ length: Math.min(connections, requests.length) }, () => openConnection(port)),
  );
  const began = sharedNow();
  try {
    await Promise.all(
      open.map(async (connection) => {
        for (let index = next++; index < requests.length; index = next++) {
          const sent = sharedNow();
          const { status, body } = await connection.send(requests[index] as Buffer);
          milliseconds[index] = sharedNow() - sent;
          sentAt[index] = sent;
          statuses[index] = status;
          lastBody = body;
          if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }),
    );
  } finally {
    for (const connection of open) connection.close();
  }
  return { sentAt, milliseconds, statuses, wallMs: sharedNow() - began, lastBody };
}
