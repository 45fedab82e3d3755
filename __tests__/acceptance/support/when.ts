import { randomUUID } from "node:crypto";
import type { StepDefinitions } from "jest-cucumber";
import { deliveryHeaders, workflowJob } from "../../support/harness/deliveries";
import { list } from "./words";
import { WAIT_MS, type World } from "./world";

/** A job that does nothing but tell for which event it runs. */
const TELL_EVENT = 'echo "event: $GITHUB_EVENT_NAME"';

/** What happens. */
export const when =
  (world: () => World): StepDefinitions =>
  (steps) => {
    steps.when(
      /^(a|\d+) jobs? (?:is|are) queued with the labels "(.*)"$/,
      async (count: string, labels: string) => {
        const jobs = Array.from({ length: count === "a" ? 1 : Number(count) }, () =>
          world().queue({ labels: list(labels) }),
        );
        await Promise.all(jobs);
      },
    );

    steps.when(/^the job "(.*)" is queued with the labels "(.*)"$/, async (name: string, labels: string) => {
      await world().queue({ name, labels: list(labels) });
    });

    steps.when(
      /^a pull request from "(.*)" queues a job with the labels "(.*)"$/,
      async (headRepository: string, labels: string) => {
        await world().queue({
          event: "pull_request",
          headRepository,
          labels: list(labels),
          script: TELL_EVENT,
        });
      },
    );

    steps.when("the job is cancelled", async () => {
      const { github } = await world().loop();
      await github.cancelJob((await world().job()).id);
    });

    steps.when("the cron fires", async () => {
      const { worker } = await world().loop();
      await worker.sweep();
    });

    steps.when("Nomad has the dispatch waiting for room", async () => {
      const { nomad } = await world().loop();
      await nomad.events.waitFor(({ type }) => type === "child.blocked", "a dispatch without room", WAIT_MS);
    });

    steps.when(/^the cluster gets room for (\d+) runners?$/, async (capacity: string) => {
      const { nomad } = await world().loop();
      nomad.setCapacity(Number(capacity));
    });

    steps.when("Nomad is up again", async () => {
      const { nomad } = await world().loop();
      await nomad.up();
    });

    steps.when("the delivery is sent again", async () => {
      const { github } = await world().loop();
      const { id } = await world().job();
      const delivery = github.deliveries().find(({ jobId, action }) => jobId === id && action === "queued");
      await github.redeliver(delivery?.id ?? 0);
    });

    steps.when(/^a delivery comes (.*)$/, async (how: string) => {
      const { worker, secrets } = await world().loop();
      world().answered = await forge(how, `${worker.url}/webhook`, secrets.webhookSecret);
    });
  };

/** Sends what GitHub did not. @returns the answer's status */
async function forge(how: string, url: string, secret: string): Promise<number> {
  const body = JSON.stringify(workflowJob({ repository: "octo-org/example" }));
  const genuine = deliveryHeaders(secret, body);
  const { "X-Hub-Signature-256": _signature, ...unsigned } = genuine;
  const forgeries: Readonly<Record<string, { readonly headers: HeadersInit; readonly body: string }>> = {
    "signed with another key": { headers: deliveryHeaders(randomUUID(), body), body },
    "changed after signing": { headers: genuine, body: body.replace('"id":1001', '"id":1002') },
    "without a signature": { headers: unsigned, body },
  };
  const forgery = forgeries[how];
  if (forgery === undefined) throw new Error(`nobody knows how to send a delivery ${how}`);
  const answer = await fetch(url, { method: "POST", ...forgery, signal: AbortSignal.timeout(WAIT_MS) });
  await answer.text();
  return answer.status;
}
