import { existsSync, readdirSync } from "node:fs";
import { CLAIM_PATH } from "../../contracts/claim";
import { dispatchBody } from "../../contracts/dispatch";
import { someClaim } from "./support/secrets";
import { Task, payload } from "./support/task";
import { type WorkerStub, workerStub } from "./support/worker-stub";

const claim = someClaim();
let task: Task;
let worker: WorkerStub;

beforeEach(async () => {
  task = new Task();
  worker = await workerStub([{ status: 410 }]);
});

afterEach(async () => {
  task.remove();
  await worker.close();
});

const url = "https://runners.example.com/runners/claim";
const hostile: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["text", "claim"],
  ["a list", `[${payload(url, claim)}]`],
  ["an escaped quote", payload(url, claim).replace("build", 'a\\",\\"claim\\":\\"b')],
  ["an escape in a name", payload(url, claim).replace('"claim"', '"cl\\u0061im"')],
  ["a line break", payload(url, claim).replace(",", ",\n")],
  ["a byte outside ASCII", payload(url, claim).replace("build", "bu\u0131ld")],
  ["a control character", payload(url, claim).replace("build", "bu\u0007ld")],
  ["the claim twice", payload(url, claim).replace("}", `,"claim":"${claim}"}`)],
  ["no claim", JSON.stringify({ claim_url: url })],
  ["a number for a claim", JSON.stringify({ claim_url: url, claim: 7 })],
  ["no claim_url", JSON.stringify({ claim })],
  ["a claim with a command", payload(url, "$(touch pwned).`touch pwned`")],
  ["a claim with a quote for curl's config", payload(url, `${claim}'`)],
  ["a claim of one part", payload(url, "a".repeat(80))],
  ["a claim of three parts", payload(url, `a.${claim}`)],
  ["a claim whose signature is short", payload(url, claim.slice(0, -1))],
  ["a claim that is too long", payload(url, `${"a".repeat(1025)}.${"b".repeat(43)}`)],
  ["a claim_url with a command", payload("https://a/$(touch pwned)/runners/claim", claim)],
  ["a claim_url with a space", payload("https://a -o /etc/passwd/runners/claim", claim)],
  ["a claim_url for curl to glob", payload("https://{a,b}/runners/claim", claim)],
  ["a claim_url without TLS", payload("http://runners.example.com/runners/claim", claim)],
  ["a claim_url that reads as this machine", payload("http://127.0.0.1@evil:80/runners/claim", claim)],
  ["a claim_url of another path", payload("https://runners.example.com/webhook", claim)],
  ["a claim_url of another scheme", payload("file:///etc/passwd/runners/claim", claim)],
  ["more than Nomad allows", payload(url, claim).replace("build", "b".repeat(17_000))],
];

describe.each(["start-runner.sh", "release-runner.sh"] as const)("%s", (script) => {
  test.each(hostile)("refuses a payload with %s, deletes it and asks nobody", async (_what, text) => {
    task.start({ script, payload: text });
    expect(await task.exited()).toBe(11);
    expect(existsSync(task.payloadFile)).toBe(false);
    expect(readdirSync(task.local)).not.toContain("pwned");
    expect(task.output).not.toContain(claim.slice(0, 60));
    expect(task.reported).toEqual([]);
  });

  test("refuses to work without a payload", async () => {
    task.start({ script, payload: null });
    expect(await task.exited()).toBe(11);
  });

  test("takes what the contract builds, a job named like a key included", async () => {
    const body = dispatchBody(
      {
        repo: "octo-org/example",
        fork: true,
        job: "claim",
        run_id: 1,
        job_id: 2,
        claim_url: worker.claimUrl,
        claim,
      },
      (text) => text,
    );
    task.start({ script, payload: body.Payload });
    expect(await task.exited()).toBe(0);
    expect(worker.requests.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      [CLAIM_PATH, `Bearer ${claim}`],
    ]);
  });
});
