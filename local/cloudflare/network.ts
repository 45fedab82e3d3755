import type { EdgeRequest } from "../worker/runtime";
import { type Target, forward, isLoopback } from "./forward";

/** Origins beyond this machine, each with the loopback origin that stands in for it. */
export type Outside = Readonly<Record<string, string>>;

/** A host that the stand-in must not call. */
export class OutsideError extends Error {
  override readonly name = "OutsideError";
}

/**
 * The network, as far as a laptop has it: this machine, and what stands in for the rest.
 * @throws OutsideError for any other host, naming it
 */
export function reach(request: EdgeRequest, outside: Outside, target: Target): Promise<Response> {
  const { url } = target;
  if (isLoopback(url.hostname)) return forward(target, request);
  const origin = outside[url.origin];
  if (origin === undefined) {
    throw new OutsideError(
      `${url.origin} is not on this machine; name it in \`outside\`, with the loopback origin that stands in for it`,
    );
  }
  return forward({ url: new URL(url.pathname + url.search, origin) }, request);
}
