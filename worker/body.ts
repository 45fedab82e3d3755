/** GitHub sends at most 25 MB, but a `workflow_job` delivery is some 30 KB: 2 MiB bounds what an unsigned caller can
 *  make this Worker hold. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Reads a request's body. One whose length is told within the limit is read at once: HTTP keeps it to what it told, and
 *  reading in pieces costs as much again as checking the signature.
 *  @returns null when it is larger */
export async function readBody(request: Request, limit: number): Promise<Uint8Array | null> {
  const told = request.headers.get("content-length") ?? "";
  if (!/^\d{1,9}$/.test(told) || Number(told) > limit) return readBounded(request.body, limit);
  const whole = new Uint8Array(await request.arrayBuffer());
  return whole.length > limit ? null : whole;
}

/** Reads a body and stops at the limit, whatever `Content-Length` said.
 *  @returns null when it is larger */
export async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (const reader = body?.getReader(); reader !== undefined;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      return null;
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
