import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALL_PROGRAMS, type Programs, findProgram, findPrograms } from "./programs";

const VERSIONS: Readonly<Record<string, string>> = {
  nomad: "Nomad v2.0.5\nBuildDate 2026-01-01\nRevision abc",
  consul: "Consul v1.16.4\nRevision abc",
  vault: "Vault v1.20.1 (abc), built 2026-01-01",
  bao: "OpenBao v2.5.5 (abc)",
  terraform: "Terraform v1.11.4\non linux_amd64",
};

const asking =
  (versions: Readonly<Record<string, string>>) =>
  (file: string): string =>
    versions[file.split("/").at(-1) ?? ""] ?? "";

describe("the programs of the live run", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "programs-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });
  const install = (...names: readonly string[]): void => {
    for (const name of names) {
      writeFileSync(join(directory, name), "");
      chmodSync(join(directory, name), 0o755);
    }
  };
  const find = (
    more: Readonly<Record<string, string>> = {},
    versions: Readonly<Record<string, string>> = VERSIONS,
  ): Programs => findPrograms({ PATH: `:${directory}`, ...more }, asking(versions), ALL_PROGRAMS);

  it("are found on the PATH, with their versions", () => {
    install("nomad", "consul", "vault", "bao", "terraform");
    expect(find()).toEqual({
      nomad: { file: join(directory, "nomad"), title: "Nomad", version: "2.0.5" },
      consul: { file: join(directory, "consul"), title: "Consul", version: "1.16.4" },
      vault: { file: join(directory, "vault"), title: "Vault", version: "1.20.1" },
      terraform: { file: join(directory, "terraform"), title: "Terraform", version: "1.11.4" },
    });
  });

  it("take OpenBao where there is no Vault", () => {
    install("nomad", "consul", "bao", "terraform");
    expect(find().vault).toEqual({ file: join(directory, "bao"), title: "OpenBao", version: "2.5.5" });
  });

  it("are what the variables name: a file, or a name on the PATH", () => {
    install("nomad", "consul", "vault", "terraform", "nomad-next", "bao");
    const versions = { ...VERSIONS, "nomad-next": "Nomad v2.1.0-dev" };
    const found = find({ NOMAD_BIN: join(directory, "nomad-next"), VAULT_BIN: "bao" }, versions);
    expect(found.nomad).toEqual({
      file: join(directory, "nomad-next"),
      title: "Nomad",
      version: "2.1.0-dev",
    });
    expect(found.vault.title).toBe("OpenBao");
  });

  it("are named all together when they are lacking, with how to get each", () => {
    install("terraform");
    const failing = (): unknown => find({ CONSUL_BIN: "/nowhere/consul" });
    expect(failing).toThrow(/nomad: there is no nomad on the PATH\. Get Nomad 1\.11\.2 or newer: https:\S+/);
    expect(failing).toThrow(/consul: CONSUL_BIN is \/nowhere\/consul, which is no program\. Get Consul/);
    expect(failing).toThrow(/vault: there is no vault and no bao on the PATH\. .* or name it in VAULT_BIN/);
    expect(failing).not.toThrow(/terraform:/);
  });

  it.each([
    ["nomad", "Nomad v1.11.1", "is Nomad 1.11.1, which is older than 1.11.2"],
    ["nomad", "Nomad v1.9.12", "is Nomad 1.9.12, which is older than 1.11.2"],
    ["consul", "Consul v1.15.99", "is Consul 1.15.99, which is older than 1.16.0"],
    ["vault", "Vault v1.14.8 (abc)", "is Vault 1.14.8, which is older than 1.15.0"],
    ["terraform", "Terraform v1.10.5\non linux_amd64", "is Terraform 1.10.5, which is older than 1.11.0"],
    ["terraform", "OpenTofu v1.11.0\non linux_amd64", "does not say that it is Terraform"],
    ["vault", "", "does not say that it is Vault or OpenBao"],
  ])("%s is refused when it says %j", (name, said, problem) => {
    install("nomad", "consul", "vault", "terraform");
    expect(() => find({}, { ...VERSIONS, [name]: said })).toThrow(problem);
  });

  it.each(["Nomad v1.11.2", "Nomad v1.12.0", "Nomad v2.0.0-rc.1"])("%s is taken", (said) => {
    install("nomad", "consul", "vault", "terraform");
    expect(() => find({}, { ...VERSIONS, nomad: said })).not.toThrow();
  });

  it("are only those that a part needs", () => {
    install("nomad");
    const found = findPrograms({ PATH: directory }, asking(VERSIONS), ["nomad"]);
    expect(Object.keys(found)).toEqual(["nomad"]);
    expect(() => findPrograms({ PATH: "" }, asking(VERSIONS), ["nomad"])).toThrow(/nomad: there is no nomad/);
  });

  it("may be there or not where a part can do without them", () => {
    install("consul");
    expect(findProgram({ PATH: directory }, asking(VERSIONS), "consul")?.version).toBe("1.16.4");
    expect(findProgram({ PATH: directory }, asking(VERSIONS), "vault")).toBeNull();
    expect(findProgram({ PATH: directory }, asking({ consul: "Consul v1.0.0" }), "consul")).toBeNull();
  });
});
