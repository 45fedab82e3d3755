import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deriveModel } from "../../../scripts/diagram/derive";
import { edgesOf } from "../../../scripts/diagram/model";
import { readStack } from "../../../scripts/diagram/stack";
import { graphDifferences } from "../../../scripts/diagram/terraform-graph";
import { commentsServer } from "../../scripts/support/comments-server";
import { type Check, check, holds } from "../report";
import type { Ended } from "../run-program";
import { allSecrets, leaksIn } from "./leaks";
import type { LiveStack } from "./live-stack";
import { CLASS_JOB, PRIVATE } from "./settings";

const PULL_REQUEST = 7;
const SCRIPT = ["--import", "tsx", "scripts/plan-comment.ts"];

/** What a pull request would change, as its comment: made from a real plan, then made again for the next commit. */
export async function playPlanComment(live: LiveStack): Promise<readonly Check[]> {
  const { credentials } = live.systems;
  const github = await commentsServer({
    base: "/api/v3",
    repository: PRIVATE,
    number: PULL_REQUEST,
    token: credentials.commentToken,
  });
  const before = live.settings.runnerMemoryMib;
  try {
    await live.change({ runnerMemoryMib: before + 1 });
    const first = await comment(live, github.url);
    await live.change({ runnerMemoryMib: before });
    const second = await comment(live, github.url);
    const bodies = github.comments.map(({ body }) => body);
    const secrets = await allSecrets(credentials, live.environment, live.deployment);
    const printed = [first, second].flatMap(({ plan, post }) => [plan.output, post.output]);
    return [
      check(
        "the script ends as its plan did, and posts",
        [first, second]
          .flatMap(({ plan, post }) => [plan, post])
          .filter(({ code }) => code !== 0)
          .map(({ output }) => output.slice(-1_500)),
      ),
      holds(
        "the comment names the change of the class's job, and nothing else",
        /0 to add, 1 to change, 0 to replace, 0 to destroy/.test(first.text) &&
          first.text.includes("nomad_job."),
        first.text.slice(0, 1_500),
      ),
      holds(
        "the next commit's plan stands in the same comment",
        bodies.length === 1 && (bodies[0] ?? "").includes("**No changes.**"),
        ...bodies.map((body) => body.slice(0, 500)),
      ),
      check(`none of ${String(secrets.length)} secrets is in a comment or a log`, [
        ...leaksIn([first.text, ...bodies].join("\n"), secrets),
        ...leaksIn(printed.join("\n"), secrets),
      ]),
    ];
  } finally {
    await live.change({ runnerMemoryMib: before });
    await github.close();
  }
}

interface Commented {
  readonly plan: Ended;
  readonly post: Ended;
  /** As it was handed from the one step to the other. */
  readonly text: string;
}

/** The two steps of .github/workflows/diff.yml. */
async function comment(live: LiveStack, server: string): Promise<Commented> {
  const output = join(live.ground, "step-output");
  await writeFile(output, "");
  const plan = await live.deployment.through([process.execPath, ...SCRIPT, "plan"], ["diff"], {
    GITHUB_OUTPUT: output,
    GITHUB_ACTIONS: "true",
  });
  const [, text = ""] = /^comment<<\S+\n([\s\S]*)\n\S+\n$/.exec(await readFile(output, "utf8")) ?? [];
  const post = await live.run([process.execPath, ...SCRIPT, "post"], {
    GITHUB_API_URL: server,
    GITHUB_REPOSITORY: PRIVATE,
    GITHUB_TOKEN: live.systems.credentials.commentToken,
    PR_NUMBER: String(PULL_REQUEST),
    PLAN_COMMENT: text,
  });
  return { plan, post, text };
}

/** The model of docs/model.json, derived from this stack, against Terraform's own graph of it. */
export async function playGraph(live: LiveStack): Promise<readonly Check[]> {
  const { deployment } = live;
  const model = deriveModel(readStack(await readFile(join(deployment.directory, "cdk.tf.json"), "utf8")));
  const dot = await deployment.terraform("graph");
  return [
    check(
      `the model's ${String(edgesOf(model).length)} edges are those of terraform graph`,
      graphDifferences(model, dot),
    ),
    holds("the graph knows the class's job", dot.includes("nomad_job."), `no job such as ${CLASS_JOB}`),
  ];
}
