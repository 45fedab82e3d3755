import type { StepDefinitions } from "jest-cucumber";
import { list } from "./words";
import type { World } from "./world";

/** What is so before anything happens. */
export const given =
  (world: () => World): StepDefinitions =>
  (steps) => {
    steps.given(/^a runner class "(.*)" with the labels "(.*)"$/, (name: string, labels: string) => {
      world().className = name;
      world().labels = list(labels);
    });

    steps.given(/^the private repository "(.*)"$/, (fullName: string) => {
      world().repositories.push({ fullName });
    });

    steps.given(
      /^the public repository "(.*)", (listed|not listed) in the policy$/,
      (fullName: string, listed: string) => {
        world().repositories.push({ fullName, private: false });
        if (listed === "listed") world().listed.push(fullName);
      },
    );

    steps.given(/^a cluster with room for (\d+) runners?$/, (capacity: string) => {
      world().capacity = Number(capacity);
    });

    steps.given("Nomad is down", async () => {
      const { nomad } = await world().loop();
      await nomad.down();
    });

    steps.given(/^GitHub sends each delivery (\d+) times$/, async (copies: string) => {
      const { github } = await world().loop();
      github.planDeliveries(() => ({ copies: Number(copies) }));
    });

    steps.given(/^a second webhook, of the owner "(.*)"$/, async (target: string) => {
      const { github, worker, secrets } = await world().loop();
      github.addHook({ target, url: `${worker.url}/webhook`, secret: secrets.webhookSecret });
    });
  };
