import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { App, AssetType, TerraformAsset } from "cdktf";
import { Construct } from "constructs";
import { buildWorker, bundleProblems } from "./worker-bundle";

/**
 * The Worker's bundle as a file beside the synthesized stack. Terraform refuses to plan when the file's SHA-256 is not
 * {@link WorkerAsset.sha256}, so what was bundled is what is uploaded.
 */
export class WorkerAsset extends Construct {
  /** Path of the file from the directory in which Terraform runs. */
  readonly path: string;
  /** Hex SHA-256 of the file. */
  readonly sha256: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { script, sha256, bytes } = buildWorker();
    this.node.addValidation({ validate: () => bundleProblems({ bytes }) });
    // An asset is a copy of a file, so the bundle becomes one: in the output directory, where synth may write.
    const directory = join(resolve(App.of(this).outdir), "bundles", sha256);
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "worker.js");
    writeFileSync(file, script);
    const asset = new TerraformAsset(this, "Resource", {
      path: file,
      type: AssetType.FILE,
      assetHash: sha256,
    });
    this.path = asset.path;
    this.sha256 = sha256;
  }
}
