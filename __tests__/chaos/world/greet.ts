import { randomUUID } from "node:crypto";
import { deliveryHeaders } from "../../../local/github/sign";
import type { World } from "./world";

/** Sends what GitHub sends when a hook is made, before anything breaks: a ping, by which the Worker hears of the hook.
 *  @throws Error when one is not taken */
export async function greet({ github, worker, secrets }: World): Promise<void> {
  for (const { id, target } of github.inventory().hooks) {
    const isRepository = target.includes("/");
    const of = isRepository ? { repository: { full_name: target } } : { organization: { login: target } };
    const body = JSON.stringify({ zen: "Design for failure.", hook_id: id, ...of });
    const headers = deliveryHeaders(
      {
        ...{ guid: randomUUID(), event: "ping", hookId: id, contentType: "json" },
        target: { type: isRepository ? "repository" : "organization", id },
        secret: secrets.webhookSecret,
      },
      body,
    );
    const { status } = await fetch(`${worker.url}/webhook`, { method: "POST", body, headers });
    if (status !== 200) throw new Error(`the ping of ${target}'s hook was answered ${String(status)}`);
  }
}
