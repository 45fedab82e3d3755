import type { ApiAnswer } from "./lifecycle/collector";
import type { Planted } from "./lifecycle/plants";
import { judgeAnswers, judgeSearch } from "./lifecycle/secrecy-verdict";

const ANSWER: ApiAnswer = {
  api: "Nomad",
  at: "127.0.0.1:4646",
  method: "GET",
  path: "/v1/job/runner?namespace=runners",
  token: false,
  status: 403,
  empty: false,
};
const inside = { secret: { name: "planted inside", text: "planted-inside" }, source: /^environment$/ };
const outside = { secret: { name: "planted outside", text: "planted-outside" }, source: /^\/node$/ };
const PLANTED: Planted = {
  inside: [inside],
  outside: [outside],
  file: "/node",
  before: "",
  remove: () => Promise.resolve(),
};
const SECRET = { name: "the key", text: "a-key-that-is-secret" };
const piece = (source: string, text: string) => ({ source, bytes: Buffer.from(text) });

function failed(checks: readonly { readonly ok: boolean; readonly text: string }[]): readonly string[] {
  return checks.filter(({ ok }) => !ok).map(({ text }) => text);
}

describe("what is made of a probe's finds", () => {
  const sees = [piece("environment", "x=planted-inside"), piece("/node", "planted-outside")];

  it("is content when what was planted was found and no secret was", () => {
    expect(failed(judgeSearch(sees, PLANTED, [SECRET], false))).toEqual([]);
  });

  it("fails where the search did not find what was planted, or found it elsewhere", () => {
    expect(failed(judgeSearch([], PLANTED, [SECRET], false))).toEqual([
      "what was planted where a job can look is found there",
    ]);
    const elsewhere = [piece("/proc/*/cmdline", "planted-inside"), piece("/node", "planted-outside")];
    expect(failed(judgeSearch(elsewhere, PLANTED, [SECRET], false))).toHaveLength(1);
  });

  it("fails where a secret is in sight, and names it and its place", () => {
    const [, last] = judgeSearch([...sees, piece("/etc/x", `k=${SECRET.text}`)], PLANTED, [SECRET], false);
    expect(last).toMatchObject({ ok: false, seen: "the key as it is in /etc/x" });
  });

  it("fails where a driver that isolates shows what is on the node", () => {
    expect(failed(judgeSearch(sees, PLANTED, [SECRET], true))).toEqual([
      "what was planted on the node, readable for everybody, is out of sight",
    ]);
    expect(failed(judgeSearch(sees.slice(0, 1), PLANTED, [SECRET], true))).toEqual([]);
  });
});

describe("what is made of the APIs' answers", () => {
  const dumb = "no API tells a job anything, whatever it shows";
  const jobs = "Nomad's job endpoints answer 403, whatever is shown, and 401 at the task's socket";

  it("is content with refusals, empty lists and silence", () => {
    const answers = [
      ANSWER,
      { ...ANSWER, api: "Nomad's task API", at: "secrets/api.sock", status: 401 },
      { ...ANSWER, path: "/v1/jobs?namespace=*", status: 200, empty: true },
      { ...ANSWER, at: "10.0.0.1:4646", status: 0 },
    ];
    expect(failed(judgeAnswers(answers))).toEqual([]);
  });

  it("fails where an API tells something", () => {
    expect(failed(judgeAnswers([ANSWER, { ...ANSWER, path: "/v1/nodes", status: 200 }]))).toEqual([dumb]);
  });

  it("fails where a job's endpoint answers anything but 403, even nothing much", () => {
    expect(failed(judgeAnswers([ANSWER, { ...ANSWER, status: 404, token: true }]))).toEqual([jobs]);
    expect(failed(judgeAnswers([ANSWER, { ...ANSWER, status: 401 }]))).toEqual([jobs]);
  });

  it("fails where Nomad was not asked at all", () => {
    expect(failed(judgeAnswers([{ ...ANSWER, status: 0 }]))).toEqual([jobs]);
  });
});
