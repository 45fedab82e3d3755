import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktf/hcl2json";
import { type Block, block } from "../jobs/support/hcl-block";

const FILE = "registry-mirror.nomad.hcl";
const SOURCE = readFileSync(join(__dirname, "..", "..", "examples", FILE), "utf8");

describe("the registry mirror", () => {
  let file: Block;
  let task: Block;
  beforeAll(async () => {
    file = block(await parse(FILE, SOURCE));
    task = block(file, "job", "registry-mirror", "group", "registry", "task", "registry");
  });

  it("has an image of a version and a digest", () => {
    expect(block(task, "config")["image"]).toMatch(/^registry:\d+\.\d+\.\d+@sha256:[0-9a-f]{64}$/);
  });

  it("mirrors Docker Hub without a login, and lets go of what is old", () => {
    const environment = block(task, "env");
    expect(environment).toMatchObject({
      REGISTRY_PROXY_REMOTEURL: "https://registry-1.docker.io",
      REGISTRY_STORAGE_DELETE_ENABLED: "true",
    });
    expect(Object.keys(environment).filter((name) => /USERNAME|PASSWORD|SECRET/.test(name))).toEqual([]);
  });

  it("uses every variable that it declares", () => {
    const used = new Set([...SOURCE.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
    expect([...used].sort()).toEqual(Object.keys(block(file, "variable")).sort());
  });
});
