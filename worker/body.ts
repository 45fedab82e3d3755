/** GitHub sends at most 25 MB, but a `workflow_job` delivery is some 30 KB: 2 MiB bounds what an unsigned caller can
 *  make this Worker hold. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Reads a body, and stops at the limit whatever `Content-Length` said.
 *  @returns null when it is larger */
export async function readBody(request: Request, limit: number = MAX_BODY_BYTES): Promise<Uint8Array | null> {
  const declared = Number(request.headers.get("Content-Length") ?? "0");
  if (declared > limit) return null;
  if (request.body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  return join(chunks, size);
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const only = chunks[0];
  if (chunks.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
