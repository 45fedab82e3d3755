/**
 * The arrows between the rooms. Each rule says what to do instead.
 * @type {import("dependency-cruiser").IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: "contracts-is-a-leaf",
      comment:
        "contracts/ is read by the Worker, the constructs and the job scripts' tests alike, so it imports nothing. Take the value as a parameter, or declare it in contracts/ itself.",
      severity: "error",
      from: { path: "^contracts/" },
      to: { pathNot: "^contracts/" },
    },
    {
      name: "worker-is-standalone",
      comment:
        "The Worker runs in workerd without Node and ships no package. Use a web standard API, declare shared shapes in contracts/, or write the few lines here.",
      severity: "error",
      from: { path: "^worker/" },
      to: { pathNot: "^(worker|contracts)/" },
    },
    {
      name: "only-constructs-knows-terraform",
      comment:
        "Terraform's types stay behind the constructs. Import the construct from index.ts, or add what is missing to constructs/.",
      severity: "error",
      // bench/apps/ are apps, as main.ts is.
      from: { pathNot: ["^constructs/", "^main\\.ts$", "^bench/apps/", "^__tests__/"] },
      to: { path: "node_modules/(cdktf|constructs|@cdktf/provider-[^/]+)/" },
    },
    {
      name: "main-only-starts-the-app",
      comment:
        "main.ts and the apps of bench/ make the App and one stack. What needs a provider or another package belongs into constructs/.",
      severity: "error",
      from: { path: ["^main\\.ts$", "^bench/apps/"] },
      to: { path: "node_modules/", pathNot: "node_modules/cdktf/" },
    },
    {
      name: "one-bundler",
      comment:
        "There is one way to bundle the Worker: buildWorker() of constructs/worker-bundle.ts. Call that.",
      severity: "error",
      from: { pathNot: "^constructs/worker-bundle\\.ts$" },
      to: { path: "node_modules/esbuild/" },
    },
    {
      name: "constructs-imports-contracts-only",
      comment:
        "A construct is usable in anybody's stack: it knows the Worker and the job specs as paths of files, never as modules. Move what both need to contracts/.",
      severity: "error",
      from: { path: "^constructs/" },
      to: {
        pathNot: [
          "^(constructs|contracts)/",
          "node_modules/(cdktf|constructs|esbuild|@cdktf/provider-[^/]+)/",
        ],
        dependencyTypesNot: ["core"],
      },
    },
    {
      name: "provider-by-resource",
      comment:
        "The index of a provider package loads every resource of it (half a second for Cloudflare's). Import …/lib/<resource>.",
      severity: "error",
      from: {},
      to: { path: "node_modules/@cdktf/provider-[^/]+/lib/index\\." },
    },
    {
      name: "public-api-is-the-constructs",
      comment:
        "index.ts re-exports constructs/ and the types of contracts/ that their props need, nothing else.",
      severity: "error",
      from: { path: "^index\\.ts$" },
      to: { pathNot: "^(constructs|contracts)/" },
    },
    {
      name: "stack-imports-the-public-api",
      comment:
        "main.ts, runners.config.ts and the apps of bench/ are a user's stack, so they import what a user can: index.ts.",
      severity: "error",
      from: { path: ["^(main|runners\\.config)\\.ts$", "^bench/apps/"] },
      to: { pathNot: ["^(index|runners\\.config)\\.ts$", "node_modules/"] },
    },
    {
      name: "stand-ins-stay-local",
      comment:
        "local/ stands in for services on a laptop and is never deployed. Only tests and scripts import it; move what the product needs into its own room.",
      severity: "error",
      from: { pathNot: "^(local|scripts|bench|__tests__)/" },
      to: { path: "^local/" },
    },
    {
      name: "local-does-not-look-inside",
      comment:
        "A stand-in that imports the code it is meant to try proves nothing. It may read contracts/ and run the bundle that buildWorker() makes.",
      severity: "error",
      from: { path: "^local/" },
      to: {
        path: "^(worker|constructs|scripts|__tests__|main\\.ts|index\\.ts|runners\\.config\\.ts)",
        pathNot: "^constructs/worker-bundle\\.ts$",
      },
    },
    {
      name: "scripts-run-programs",
      comment:
        "scripts/ start programs and the bundler; what they would import elsewhere, they run as a process. A drain alone asks the public API which Nomad jobs a stack's settings make.",
      severity: "error",
      from: { path: "^scripts/", pathNot: "^scripts/drain/" },
      to: {
        path: "^(worker|constructs|__tests__|main\\.ts|index\\.ts)",
        pathNot: "^constructs/worker-bundle\\.ts$",
      },
    },
    {
      name: "drain-reads-the-public-api",
      comment:
        "scripts/drain/ learns from index.ts which jobs are a stack's, as a user's program could. What is behind it is not for scripts.",
      severity: "error",
      from: { path: "^scripts/drain/" },
      to: { path: "^(worker|constructs|local|__tests__|main\\.ts)" },
    },
    {
      name: "bench-measures-from-outside",
      comment:
        "A benchmark runs programs as a user does and imports none of what it measures: an app in bench/apps/, or the bundle that buildWorker() makes.",
      severity: "error",
      from: { path: "^bench/", pathNot: "^bench/apps/" },
      to: {
        path: "^(worker|constructs|bench/apps|main\\.ts|index\\.ts|runners\\.config\\.ts)",
        pathNot: "^constructs/worker-bundle\\.ts$",
      },
    },
    {
      name: "bench-is-not-shipped",
      comment: "Only benchmarks and tests import bench/. Move what is shared into the room it belongs to.",
      severity: "error",
      from: { pathNot: "^(bench|__tests__)/" },
      to: { path: "^bench/" },
    },
    {
      name: "nothing-imports-tests",
      comment: "Test code is not shipped. Move what is shared into the room it belongs to.",
      severity: "error",
      from: { pathNot: "^__tests__/" },
      to: { path: "^__tests__/" },
    },
    {
      name: "no-cycles",
      comment:
        "Two modules that need each other are one module, or lack a third one. Move what both need into it.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphans",
      comment: "Nothing imports this module and it imports nothing. Delete it, or use it.",
      severity: "error",
      from: {
        orphan: true,
        pathNot: [
          "(^|/)[^/]+\\.config\\.(js|mjs|ts)$",
          "^\\.dependency-cruiser\\.cjs$",
          "\\.test\\.ts$",
          "\\.d\\.ts$",
        ],
      },
      to: {},
    },
    {
      name: "everything-resolves",
      comment: "This import leads nowhere. Correct the path, or install the package.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "only-declared-packages",
      comment: "This package is here by accident of another one. Declare it in package.json.",
      severity: "error",
      from: {},
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "shipped-code-ships-its-packages",
      comment:
        "A user of the constructs does not get devDependencies. Make it a dependency (with a reason) or a peer, or do without.",
      severity: "error",
      from: { path: "^(constructs|contracts|worker|index\\.ts)" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm-peer", "npm", "type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|coverage|cdktf\\.out|__tests__/fixtures)/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json", ".d.ts"],
    },
  },
};
