/** A secret, and what it is: that may be told, the secret not. */
export interface NamedSecret {
  readonly name: string;
  readonly text: string;
}

/** Something that was read, and where. */
export interface Piece {
  readonly source: string;
  readonly bytes: Buffer;
}

/** Shorter texts are found by chance. */
const SHORTEST = 12;

/**
 * Where secrets stand in what was read, whatever they are wrapped in: as they are, as hex, or as part of something in
 * base64, at any of its three offsets and in both alphabets.
 * @returns `<name> as <form> in <source>`, never a secret
 * @throws Error when a secret is too short to be looked for
 */
export function findSecrets(secrets: readonly NamedSecret[], pieces: readonly Piece[]): readonly string[] {
  return secrets.flatMap(({ name, text }) => {
    if (text.length < SHORTEST) throw new Error(`${name} is too short to be looked for`);
    const forms = formsOf(text);
    return pieces.flatMap(({ source, bytes }) => {
      const form = forms.find(({ needles }) => needles.some((needle) => bytes.includes(needle)));
      return form === undefined ? [] : [`${name} as ${form.form} in ${source}`];
    });
  });
}

interface Form {
  readonly form: string;
  readonly needles: readonly string[];
}

function formsOf(text: string): readonly Form[] {
  const hex = Buffer.from(text).toString("hex");
  const encoded = [0, 1, 2].map((offset) => encodedAt(text, offset));
  return [
    { form: "it is", needles: [text] },
    { form: "hex", needles: [hex, hex.toUpperCase()] },
    { form: "base64", needles: [...encoded, ...encoded.map(urlAlphabet)] },
  ];
}

/** The characters of base64 that are the secret's alone, when so many bytes beyond a multiple of three go before it. */
function encodedAt(text: string, offset: number): string {
  const whole = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
  const first = Math.ceil((offset * 4) / 3);
  const last = Math.floor((whole.length * 8) / 6);
  return whole.toString("base64").slice(first, last);
}

function urlAlphabet(text: string): string {
  return text.replaceAll("+", "-").replaceAll("/", "_");
}
