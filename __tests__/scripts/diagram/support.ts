import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { deriveModel } from "../../../scripts/diagram/derive";
import type { Model } from "../../../scripts/diagram/model";
import { type SynthesizedStack, readStack } from "../../../scripts/diagram/stack";

/** A stack as it is written to disk, with what `build` puts in it. */
export function stackOf(build: (stack: TerraformStack) => void): SynthesizedStack {
  return written((app) => {
    const stack = new TerraformStack(app, "small");
    build(stack);
    return stack;
  });
}

/** The one stack that `build` makes in an app, as it is written to disk. */
export function written(build: (app: App) => TerraformStack): SynthesizedStack {
  const outdir = mkdtempSync(join(tmpdir(), "diagram-"));
  try {
    // Without the checks: a small stack has no provider for each of its resources.
    const app = new App({ outdir, skipValidation: true });
    const { node } = build(app);
    app.synth();
    return readStack(readFileSync(join(outdir, "stacks", node.id, "cdk.tf.json"), "utf8"));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

export function modelOf(build: (stack: TerraformStack) => void): Model {
  return deriveModel(stackOf(build));
}

/** The relationships of a model, one line each. */
export function lines({ relationships }: Model): readonly string[] {
  return relationships.map(({ from, to, at, label }) => `${from} → ${to}, ${at}: ${label}`);
}

export function ids({ elements }: Model): readonly string[] {
  return elements.map(({ id }) => id);
}
