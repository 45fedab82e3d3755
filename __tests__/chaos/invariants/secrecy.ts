import { findSecrets } from "../../live/lifecycle/secret-search";
import type { Evidence, Invariant, Violation } from "../evidence";

/** Secrets that only their form tells. */
const FORMS: readonly (readonly [string, RegExp])[] = [
  ["an installation token", /\bghs_[A-Za-z0-9_-]{20,}/],
  ["a signature", /\bsha(?:256=[0-9a-f]{64}|1=[0-9a-f]{40})\b/],
  ["a JSON web token", /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}/],
  ["a bearer token", /\bBearer +[\w.-]{20,}/i],
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
];

/** So many characters from the middle of a secret tell it. */
const WINDOW = 24;

/** No secret, claim, signature or JIT config stands in anything that somebody may read. */
export const secrecy: Invariant = {
  number: 5,
  name: "no secret in any output",
  check: (evidence) => [...byForm(evidence), ...byText(evidence), ...byEncoding(evidence)],
};

function byForm({ texts }: Evidence): Violation[] {
  return texts.flatMap(({ source, text }) =>
    FORMS.filter(([, form]) => form.test(text)).map(([name]) => ({
      subject: null,
      what: `${name} stands in ${source}`,
    })),
  );
}

function needleOf(text: string): string {
  const start = Math.max(0, Math.floor((text.length - WINDOW) / 2));
  return text.slice(start, start + WINDOW);
}

/** Looks at each place of each text once, however many secrets there are. */
function byText({ texts, secrets }: Evidence): Violation[] {
  const needles = new Map(
    secrets.filter(({ text }) => text.length >= WINDOW).map((secret) => [needleOf(secret.text), secret]),
  );
  const found: Violation[] = [];
  for (const { source, text } of texts) {
    for (let at = 0; at + WINDOW <= text.length; at += 1) {
      const secret = needles.get(text.slice(at, at + WINDOW));
      if (secret !== undefined) found.push({ subject: null, what: `${secret.name} stands in ${source}` });
    }
  }
  return found;
}

function byEncoding({ texts, secrets }: Evidence): Violation[] {
  if (texts.length === 0) return [];
  const fixed = secrets.filter(({ isFixed }) => isFixed);
  const bytes = Buffer.from(texts.map(({ text }) => text).join("\n"));
  return findSecrets(fixed, [{ source: "the texts of the run", bytes }]).map((what) => ({
    subject: null,
    what,
  }));
}
