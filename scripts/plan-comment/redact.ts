/** Shorter values are words such as `true`, and to strike them out would make the text unreadable. */
const SHORTEST = 8;

/** Names of environment variables that hold a secret. */
const SECRET_NAME =
  /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|PEM_FILE|APIKEY|API_KEY|_KEY$|HTTP_AUTH|^TF_VAR_/i;

/** What looks like a secret wherever it comes from. A UUID does not: Nomad's and Consul's tokens are UUIDs, and so are
 *  most ids of a plan; those tokens are struck out by their value. */
const SECRET_FORMS: readonly RegExp[] = [
  // A private key, also one that was cut off.
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // GitHub: https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
  /\b(?:gh[a-z]_[\w.-]{20,}|github_pat_\w{20,})/g,
  // Vault and OpenBao: https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes
  /\b(?:hv[sbr]|[sbr])\.[\w-]{20,}/g,
  // Cloudflare: cfast_ of Access, cfut_ and cfat_ of the API.
  /\bcf[a-z]{1,4}_[A-Za-z0-9_-]{30,}/g,
  // Base64 of a JSON object: a JWT, and the token of a tunnel.
  /\beyJ[\w+/=-]{20,}(?:\.[\w+/=-]+)*/g,
  /\b(?:bearer|basic) +[\w.~+/=-]{12,}/gi,
];

const USER_OF_URL = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"]+@/gi;

/**
 * Strikes secrets out of a text: the values of this process's secret variables, as they are, encoded and line by line,
 * and whatever has the form of a known secret. Terraform already prints `(sensitive value)` for what its providers call
 * sensitive; this is for what they do not.
 * @param environment such as `process.env`
 */
export function redactor(
  environment: Readonly<Record<string, string | undefined>>,
): (text: string) => string {
  const values = Object.entries(environment)
    .filter(([name]) => SECRET_NAME.test(name))
    .flatMap(([, value]) => (value === undefined ? [] : forms(value.trim())))
    .filter((value) => value.length >= SHORTEST)
    // The longer first: one may be a part of another.
    .sort((one, other) => other.length - one.length);
  return (text) => {
    const struck = values.reduce((rest, value) => rest.replaceAll(value, "(redacted)"), text);
    return SECRET_FORMS.reduce((rest, form) => rest.replace(form, "(redacted)"), struck).replace(
      USER_OF_URL,
      "$1(redacted)@",
    );
  };
}

/** A value in the forms in which it may be printed. */
function forms(value: string): readonly string[] {
  const quoted = JSON.stringify(value).slice(1, -1);
  const base64 = Buffer.from(value, "utf8").toString("base64");
  const encoded = [quoted, base64, base64.replaceAll("=", ""), Buffer.from(value).toString("base64url")];
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return [value, ...encoded, encodeURIComponent(value), ...(lines.length > 1 ? lines : [])];
}
