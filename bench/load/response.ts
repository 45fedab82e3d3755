/** What is known of a whole HTTP/1.1 response. */
export interface ParsedResponse {
  readonly status: number;
  readonly body: string;
  /** Bytes that it took of what was given. */
  readonly length: number;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const BODILESS = [204, 304];

/**
 * Reads one response from the beginning of what a connection has received. Node's own client takes longer for a request
 * than workerd does for a small answer, and would be measured with it.
 * @returns null until it is there to its end
 * @throws Error on what it does not know: no status line, or a body without Content-Length
 */
export function parseResponse(received: Buffer): ParsedResponse | null {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = received.toString("latin1", 0, headEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(status))
    throw new Error(`The answer does not begin as HTTP/1.1 does: ${head.slice(0, 80)}`);
  const told = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (told === undefined && !BODILESS.includes(status)) {
    throw new Error(`An answer with status ${String(status)} has no Content-Length.`);
  }
  const begin = headEnd + HEAD_END.length;
  const end = begin + (BODILESS.includes(status) ? 0 : Number(told));
  if (received.length < end) return null;
  return { status, body: received.toString("utf8", begin, end), length: end };
}
