import type { App } from "./app";
import { askAll } from "./ask-all";
import { dispatchSoon } from "./dispatch";
import { dueWork } from "./ledger/work";

/** Looks the runs up that wait for it, after the answer to GitHub and before any dispatch. */
export async function checkRuns(app: App): Promise<void> {
  const due = await dueWork(app.ledger, 6);
  await askAll(
    app,
    due.filter((work) => work.kind === "check"),
  );
  await dispatchSoon(app);
}
