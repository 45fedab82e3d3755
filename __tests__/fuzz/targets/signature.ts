import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { verifySignature } from "../../../worker/signature";
import type { Target } from "../engine";
import { type Json, bytesOf, numberOf, recordOf, textOf } from "../json";
import { must } from "./shapes";

/** What the Worker was given, and what came: `<current>` in the header stands for the right digest under that key, and so
 *  on; `cut` characters are taken off its end, and bit `flip` of the body is turned for the second look. */
interface SignatureInput {
  readonly header: string | null;
  readonly cut: number;
  readonly body: Uint8Array;
  readonly current: string;
  readonly previous: string | null;
  readonly flip: number;
}

function inputOf(raw: Json): SignatureInput {
  const given = recordOf(raw);
  const body = bytesOf(given["body"]);
  const current = textOf(given["current"]);
  const previous =
    given["previous"] === undefined || given["previous"] === null ? null : textOf(given["previous"]);
  const keys: Readonly<Record<string, string>> = { current, previous: previous ?? "", other: "another key" };
  const header = given["header"] ?? null;
  const filled = textOf(header).replace(/<(current|previous|other)>/g, (_, key: string) =>
    hexOf(keys[key] ?? "", body),
  );
  const cut = Math.abs(Math.trunc(numberOf(given["cut"]))) % 72;
  return {
    header: header === null ? null : filled.slice(0, filled.length - cut),
    cut,
    body,
    current,
    previous,
    flip: Math.abs(Math.trunc(numberOf(given["flip"]))),
  };
}

function hexOf(key: string, body: Uint8Array): string {
  return createHmac("sha256", key).update(body).digest("hex");
}

function isSigned(header: string | null, body: Uint8Array, keys: readonly string[]): boolean {
  return keys.some((key) => key !== "" && header === `sha256=${hexOf(key, body)}`);
}

async function check(raw: Json): Promise<void> {
  const { header, body, current, previous, flip } = inputOf(raw);
  const keys = previous === null ? [current] : [current, previous];
  const accepted = await verifySignature(header, body, keys);
  must(accepted === isSigned(header, body, keys), "accepts exactly what node:crypto signs alike");
  must(
    (await verifySignature(header, body, [current])) === isSigned(header, body, [current]),
    "takes the previous key for as long as it is set",
  );
  must(!(await verifySignature(header, body, [])), "accepts nothing without a key");
  if (!accepted || header === null) return;
  const turned = Uint8Array.from(body);
  if (turned.length > 0) {
    const at = (flip >> 3) % turned.length;
    turned[at] = (turned[at] ?? 0) ^ (1 << (flip & 7));
    must(!(await verifySignature(header, turned, keys)), "refuses a body with one bit turned");
  }
  must(
    !(await verifySignature(header, Uint8Array.from([...body, 0]), keys)),
    "refuses a body with a byte more",
  );
  const at = flip % header.length;
  const other = String.fromCharCode(header.charCodeAt(at) ^ (1 << (flip % 7)));
  must(
    !(await verifySignature(header.slice(0, at) + other + header.slice(at + 1), body, keys)),
    "refuses a header with one bit turned",
  );
}

/** `X-Hub-Signature-256` over the raw body. */
export const signature: Target = {
  name: "signature",
  inputs: fc.record({
    header: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom("sha256=<current>", "sha256=<previous>", "sha256=<other>") },
      fc.constantFrom(
        null,
        "",
        "<current>",
        "sha1=<current>",
        "SHA256=<current>",
        "sha256=<current>,sha256=<current>",
      ),
      fc.string(),
    ),
    cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(71)),
    body: fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ base64: Buffer.from(bytes).toString("base64") })),
    ),
    current: fc.oneof(fc.constant("the current key"), fc.string()),
    previous: fc.option(fc.oneof(fc.constant("the previous key"), fc.string())),
    flip: fc.nat(4_000),
  }) as fc.Arbitrary<Json>,
  // GitHub's own test vector.
  // @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  seeds: () => [
    {
      header: "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
      body: "Hello, World!",
      current: "It's a Secret to Everybody",
    },
  ],
  check,
};
