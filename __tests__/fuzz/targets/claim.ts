import { createHmac } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import type { Claim } from "../../../contracts/claim";
import { bearer, signClaim, verifyClaim } from "../../../worker/claim-token";
import type { Target } from "../engine";
import { type Json, bytesOf, numberOf, recordOf, textOf } from "../json";
import { fieldOf, isClassName, isFullName, isOwner, isWhole, jsonOf, must } from "./shapes";

const CURRENT = "the current key";
const PREVIOUS = "the previous key";
const KEYS: ReadonlyMap<string, string> = new Map([
  ["current", CURRENT],
  ["previous", PREVIOUS],
  ["other", "a third key"],
]);
const GOOD_KEYS = [CURRENT, PREVIOUS];

/** `form` is the text sent; `<first>` and `<mac>` in it stand for the JSON in base64url and its HMAC under `key`. */
async function check(raw: Json): Promise<void> {
  const given = recordOf(raw);
  const first = Buffer.from(bytesOf(given["first"])).toString("base64url");
  const mac = macOf(first, KEYS.get(textOf(given["key"])) ?? "");
  const text = textOf(given["form"]).replaceAll("<first>", first).replaceAll("<mac>", mac);
  const now = numberOf(given["now"]);
  const grace = Math.abs(numberOf(given["grace"]));
  const checked = await verifyClaim(text, GOOD_KEYS, now, grace);
  const meant = meaningOf(text, GOOD_KEYS);
  const late = meant !== null && now >= (meant.exp + grace) * 1000;
  must(
    checked.ok === (meant !== null && !late),
    "takes exactly the claims that were signed and are not over",
  );
  if (!checked.ok) {
    must(["malformed", "forged", "expired"].includes(checked.reason), "gives a declared reason");
    must((checked.reason === "expired") === late, "calls expired what was signed and is over");
    return;
  }
  must(isDeepStrictEqual(checked.claim, meant), "reads what the JSON says");
  must(bearer(`Bearer ${text}`) === text, "finds the claim in its header");
  must(
    (await verifyClaim(text, [CURRENT], now, grace)).ok === (meaningOf(text, [CURRENT]) !== null),
    "takes the previous key for as long as it is set",
  );
  const at = Math.abs(Math.trunc(numberOf(given["flip"]))) % text.length;
  const changed = text.slice(0, at) + (text.charAt(at) === "A" ? "B" : "A") + text.slice(at + 1);
  must(!(await verifyClaim(changed, GOOD_KEYS, now, grace)).ok, "refuses a claim with one character changed");
  const again = await verifyClaim(await signClaim(checked.claim, CURRENT), GOOD_KEYS, now, grace);
  must(again.ok && isDeepStrictEqual(again.claim, checked.claim), "reads what it signs");
}

function macOf(first: string, key: string): string {
  return createHmac("sha256", key).update(first).digest("base64url");
}

/** A claim's text read a second time, whenever it ends. */
function meaningOf(text: string, keys: readonly string[]): Claim | null {
  const [first = "", mac, ...more] = text.split(".");
  const bytes = Buffer.from(first, "base64url");
  if (more.length > 0 || first === "" || first.length > 1024 || bytes.toString("base64url") !== first)
    return null;
  if (!keys.some((key) => macOf(first, key) === mac)) return null;
  const json = jsonOf(bytes.toString("utf8").replace(/^\ufeff/, ""));
  const [scope, runnerClass, kind, job, ordinal, exp] = [
    "scope",
    "class",
    "kind",
    "job",
    "ordinal",
    "exp",
  ].map((key) => fieldOf(json, key));
  // Five fields, so that none is left over: a job or a kind, never both.
  if (Object.keys(json ?? {}).length !== 5 || (kind === undefined) === (job === undefined)) return null;
  if (!(kind === "warm" || (kind === undefined && isWhole(job, 1)))) return null;
  if (!(isFullName(scope) || isOwner(scope)) || !isClassName(runnerClass)) return null;
  if (!isWhole(ordinal, 1) || !isWhole(exp, 1)) return null;
  return { scope, class: runnerClass, job: kind === "warm" ? 0 : (job as number), ordinal, exp };
}

const EXP = 2_000_000_000;

const json = fc.record(
  {
    scope: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("octo-org/example", "octo-org") }, fc.string()),
    class: fc.oneof({ weight: 5, arbitrary: fc.constantFrom("linux", "gpu-2") }, fc.string()),
    kind: fc.constantFrom("warm", "cold", 1),
    job: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1 }) }, fc.constantFrom(0, -1, 0.5, "1", null)),
    ordinal: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 99 }) }, fc.constantFrom(0, 1.5)),
    exp: fc.constantFrom(EXP, EXP, EXP, EXP - 100, 0),
    extra: fc.constant(1),
  },
  { requiredKeys: ["scope", "class", "ordinal", "exp"] },
);

/** One that is right: whoever begins with it finds out what a change does. */
const right = fc.oneof(
  fc.record({
    scope: fc.constant("octo-org/example"),
    class: fc.constant("linux"),
    job: fc.nat(99),
    ordinal: fc.nat(9),
    exp: fc.constant(EXP),
  }),
  fc.record({
    scope: fc.constant("octo-org"),
    class: fc.constant("x"),
    kind: fc.constant("warm"),
    ordinal: fc.nat(9),
    exp: fc.constant(EXP),
  }),
);

/** The bearer of `/runners/claim`. */
export const claim: Target = {
  name: "claim",
  inputs: fc.record({
    first: fc.oneof(json, right).map((one) => JSON.stringify(one)),
    key: fc.constantFrom("current", "current", "current", "previous", "other", "none"),
    form: fc.oneof(
      { weight: 5, arbitrary: fc.constant("<first>.<mac>") },
      fc.constantFrom(
        "<first>",
        "<first>.",
        "<first>.<mac>.<mac>",
        "<first>.<mac>=",
        "<mac>.<first>",
        " <first>.<mac>",
      ),
    ),
    now: fc.constantFrom(0, EXP * 1000 - 1, EXP * 1000, (EXP + 60) * 1000 - 1, (EXP + 60) * 1000),
    grace: fc.constantFrom(0, 60),
    flip: fc.nat(300),
  }),
  seeds: () => [],
  check,
};
