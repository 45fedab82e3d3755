import { type Loop, startLoop } from "../../local/loop";

const REPOSITORY = "octo-org/example";
const LABELS = ["self-hosted", "linux"];
const WAIT_MS = 20_000;
const MINUTES_3 = 180_000;

describe("a queued job of which no delivery arrives", () => {
  let loop: Loop | null = null;
  afterEach(async () => {
    await loop?.close();
    loop = null;
  });

  const done = (github: Loop["github"], id: number) =>
    github.events.waitFor(
      (event) => event.type === "job.completed" && event.job.id === id,
      "its end",
      WAIT_MS,
    );

  test.each(["token", "app"] as const)(
    "is found by the sweep and runs, with a credential that is a %s",
    async (credential) => {
      let behind = 0;
      loop = await startLoop({ credential, github: { clock: () => Date.now() - behind } });
      const { github, nomad, worker } = loop;
      const told = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
      await done(github, told.id);
      github.planDeliveries(({ action }) => (action === "queued" ? { drop: true } : {}));
      // Old enough to be missed.
      behind = MINUTES_3;
      const lost = await github.queueJob({ repository: REPOSITORY, labels: LABELS });
      behind = 0;
      await worker.sweep();
      expect(nomad.children()).toHaveLength(1);
      await worker.ledger().prepare("UPDATE repos SET next_at = 0").run();
      await worker.sweep();
      await worker.sweep();
      await done(github, lost.id);
      expect(github.jobs().find(({ id }) => id === lost.id)?.conclusion).toBe("success");
      expect(nomad.children()).toHaveLength(2);
    },
  );
});
