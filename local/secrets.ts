import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";

/** Everything that is secret in a loop, made anew for each one. */
export interface LoopSecrets {
  readonly webhookSecret: string;
  readonly claimKey: string;
  readonly statusToken: string;
  readonly nomadToken: string;
  readonly accessId: string;
  readonly accessSecret: string;
  readonly githubToken: string;
  readonly appId: string;
  /** PKCS#1, as GitHub gives it out. */
  readonly appPrivateKey: string;
  readonly appPublicKey: string;
}

export function makeSecrets(): LoopSecrets {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const random = (): string => randomBytes(32).toString("hex");
  return {
    webhookSecret: random(),
    claimKey: random(),
    statusToken: random(),
    nomadToken: randomUUID(),
    accessId: `${randomBytes(16).toString("hex")}.access`,
    accessSecret: random(),
    githubToken: `github_pat_${randomBytes(30).toString("hex")}`,
    appId: "123456",
    appPrivateKey: privateKey,
    appPublicKey: publicKey,
  };
}
