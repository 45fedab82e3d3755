import { type Socket, connect } from "node:net";
import { type ParsedResponse, parseResponse } from "./response";

/** Longest wait for one answer; a Worker has given one after 8 s of a silent ledger. */
const LONGEST_MS = 30_000;

/** A kept-alive connection that carries one request at a time. workerd ends one that was idle for some seconds, which a
 *  busy machine makes of any: the next request then opens another. One that meets the end on its way is sent again, once, as
 *  HTTP clients do. */
export interface Connection {
  /** Sends a whole request's bytes. @throws Error when the connection ends, or the answer takes longer than 30 s */
  send(request: Buffer): Promise<ParsedResponse>;
  close(): void;
}

interface Waiting {
  readonly resolve: (response: ParsedResponse) => void;
  readonly reject: (error: Error) => void;
}

/** Connects to 127.0.0.1. */
export async function openConnection(port: number): Promise<Connection> {
  let channel = channelOver(await connected(port));
  return {
    send: async (request) => {
      if (channel.ended()) channel = channelOver(await connected(port));
      try {
        return await channel.send(request);
      } catch (error) {
        if (!channel.carried()) throw error;
        channel = channelOver(await connected(port));
        return channel.send(request);
      }
    },
    close: () => {
      channel.close();
    },
  };
}

interface Channel extends Connection {
  readonly ended: () => boolean;
  /** Whether it had given an answer, and broke before the next one began. */
  readonly carried: () => boolean;
}

function channelOver(socket: Socket): Channel {
  let received: Buffer = Buffer.alloc(0);
  let waiting: Waiting | null = null;
  let answers = 0;
  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = null;
  };
  socket.setTimeout(LONGEST_MS, () => {
    if (waiting !== null) socket.destroy(new Error(`No answer within ${String(LONGEST_MS)} ms.`));
  });
  socket.on("error", fail);
  socket.on("end", () => socket.destroy());
  socket.on("close", () => {
    fail(new Error("The connection ended before the answer."));
  });
  socket.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    try {
      const response = parseResponse(received);
      if (response === null) return;
      received = received.subarray(response.length);
      answers += 1;
      waiting?.resolve(response);
      waiting = null;
    } catch (error) {
      fail(error as Error);
    }
  });
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
    carried: () => answers > 0 && received.length === 0,
    ended: () => socket.destroyed || socket.readableEnded,
  };
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.removeListener("error", reject);
      resolve(socket);
    });
  });
}
