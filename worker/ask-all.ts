import type { App } from "./app";
import { type Answer, ask } from "./ask";
import { recordProblems } from "./ledger/problems";
import { type DueWork, observe } from "./ledger/work";
import { log } from "./log";
import { mapSixAtATime } from "./timing";

/** Statements of one {@link askAll}: five to write answers, one for problems. */
export const ASK_ALL_STATEMENTS = 7;

/** Asks GitHub about everything given, six questions at a time, and writes all answers at once. */
export async function askAll(app: App, works: readonly DueWork[]): Promise<void> {
  if (works.length === 0) return;
  const answers = await mapSixAtATime(works, (work) => ask(app, work));
  const problems = new Map<string, string>();
  for (const answer of answers) {
    if (answer.problem !== null) problems.set(answer.problem.error, answer.problem.detail);
    report(answer);
  }
  await observe(
    app.ledger,
    answers.flatMap((answer) => (answer.about === "job" ? [answer.seen] : [])),
    answers.flatMap((answer) => (answer.about === "runner" ? [answer.seen] : [])),
  );
  await recordProblems(app.ledger, "github", problems);
}

function report(answer: Answer): void {
  const error = answer.problem === null ? {} : { error: answer.problem.error, detail: answer.problem.detail };
  const level = answer.problem === null ? "info" : "warn";
  if (answer.about === "job") {
    log(level, "looked_up", { job_id: answer.seen.jobId, outcome: answer.seen.state, ...error });
  } else {
    log(level, "looked_up", { runner: answer.seen.name, outcome: answer.seen.to, ...error });
  }
}
