import { workflowJob } from "../support/harness/deliveries";
import { LINUX } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";
import {
  type Body,
  answerOf,
  expectNothingHappened,
  expectNothingThrown,
  forgetAll,
  ignored,
  postSigned,
  unusable,
  useHarness,
} from "../support/webhook";

const MB = 1_000_000;

/** A delivery whose job name is these bytes, between quotes, whatever they are. */
function named(bytes: string | Uint8Array): Uint8Array {
  const [before = "", after = ""] = JSON.stringify(workflowJob({ id: 1, name: "@here@" })).split("@here@");
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
}

/** A delivery with this JSON text for its labels. */
function labelled(json: string): string {
  const text = JSON.stringify(workflowJob({ id: 1, labels: ["@here@"] }));
  return text.replace('["@here@"]', json);
}

const lists = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const manyLabels = (count: number) => Array.from({ length: count }, (_, index) => `label-${String(index)}`);

const UNUSABLE: readonly (readonly [string, Body, string])[] = [
  ["1 MB of one letter", "x".repeat(MB), "not_json"],
  ["1 MB of white space", " ".repeat(MB), "not_json"],
  ["1 MB of JSON that is one text", JSON.stringify("x".repeat(MB)), "not_an_object"],
  ["1 MB of opening brackets", "[".repeat(MB), "not_json"],
  [
    "1 MB of a repository's name",
    workflowJob({ repository: `octo-org/${"x".repeat(MB)}` }),
    "bad_repository",
  ],
  ["lists in lists, 100,000 deep", lists(100_000), "not_an_object"],
  ["objects in objects, 100,000 deep", objects(100_000), "no_action"],
  ["labels that are lists, 100,000 deep", labelled(lists(100_000)), "bad_labels"],
  ["a label that is an object, 100,000 deep", labelled(`[${objects(100_000)}]`), "bad_labels"],
  ["labels that are a text", labelled('"self-hosted"'), "bad_labels"],
  ["labels that are an object", labelled('{"0":"self-hosted","length":1}'), "bad_labels"],
  ["a label that is null", labelled('["self-hosted",null]'), "bad_labels"],
  ["a name that ends within a character", named(new Uint8Array([0xc3])), "not_utf8"],
  ["a name in Latin-1", named(Buffer.from("bäuild", "latin1")), "not_utf8"],
  ["a slash spelt too long", named(new Uint8Array([0xc0, 0xaf])), "not_utf8"],
  ["half of a surrogate pair in bytes", named(new Uint8Array([0xed, 0xa0, 0x80])), "not_utf8"],
  ["a body in UTF-16", Buffer.from(JSON.stringify(workflowJob()), "utf16le"), "not_json"],
  ["a line break within a text", named("line\nbreak"), "not_json"],
  ["a NUL within a text", named("nul\u0000byte"), "not_json"],
  ["a quote that ends a text early", named('build","x":"'.slice(0, -1)), "not_json"],
];

const IGNORED: readonly (readonly [string, readonly unknown[], string])[] = [
  ["100 labels that nobody offers", [...manyLabels(99), "self-hosted"], "no_class_fits"],
  ["101 labels", [...manyLabels(100), "self-hosted"], "too_many_labels"],
  ["101 times what would fit", Array.from({ length: 101 }, () => "self-hosted"), "too_many_labels"],
  ["10,000 labels", manyLabels(10_000), "too_many_labels"],
  ["a label of 1 MB", [...LINUX.labels, "x".repeat(MB)], "bad_label"],
  ["a label of 257 characters", [...LINUX.labels, "x".repeat(257)], "bad_label"],
  ["a label with a quote", [...LINUX.labels, 'x"y'], "bad_label"],
  ["a label with a line break", [...LINUX.labels, "x\ny"], "bad_label"],
  ["a label with a shell's variable", [...LINUX.labels, "${HOME}"], "bad_label"],
  ["a label with a template", [...LINUX.labels, '{{ key "x" }}'], "bad_label"],
  ["a label that climbs", [...LINUX.labels, "../x"], "bad_label"],
  ["a label with a comma", [...LINUX.labels, "x,y"], "bad_label"],
  ["an empty label", [...LINUX.labels, ""], "bad_label"],
];

describe.each(RUNTIMES)("bodies under a right signature (%s)", (runtime) => {
  const harness = useHarness(runtime);
  beforeEach(async () => forgetAll(harness()));
  afterEach(async () => expectNothingThrown(harness()));

  test.each(UNUSABLE)("400 to %s, and nothing happens", async (_, body, reason) => {
    expect(await answerOf(await postSigned(harness(), body))).toEqual(unusable(reason));
    await expectNothingHappened(harness());
  });

  test.each(IGNORED)("%s: ignored, and nothing happens", async (_, labels, reason) => {
    expect(await answerOf(await postSigned(harness(), workflowJob({ labels })))).toEqual(ignored(reason));
    await expectNothingHappened(harness());
  });

  test("1 MB that is a good delivery with a long name is taken: a name is never a reason to refuse", async () => {
    const body = workflowJob({ id: 1, name: "x".repeat(MB) });
    expect((await postSigned(harness(), body)).status).toBe(202);
    expect(
      harness()
        .dispatches()
        .map((one) => one.payload["job"]),
    ).toEqual(["x".repeat(100)]);
  });

  test("keys that are every object's do not stand for a delivery's own", async () => {
    const good = JSON.stringify(workflowJob({ id: 1 }));
    const nothing = await postSigned(harness(), `{"__proto__":${good},"constructor":{"action":"queued"}}`);
    expect(await answerOf(nothing)).toEqual(unusable("no_action"));
    const [before = "", after = ""] = good.split('"workflow_job":');
    const job = await postSigned(harness(), `${before}"__proto__":${after}`);
    expect(await answerOf(job)).toEqual(unusable("no_workflow_job"));
    await expectNothingHappened(harness());
  });

  test("of two keys with one name the last counts, for what is checked and for what is used", async () => {
    const good = JSON.stringify(workflowJob({ id: 1 }));
    const twice = `${good.slice(0, -1)},"repository":{"full_name":"stranger/repo","private":true}}`;
    expect(await answerOf(await postSigned(harness(), twice))).toEqual(ignored("repository_not_allowed"));
    await expectNothingHappened(harness());
  });
});
