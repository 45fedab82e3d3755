/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  testMatch: ["<rootDir>/__tests__/**/*.test.ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: { target: "es2022", parser: { syntax: "typescript" } },
        module: { type: "commonjs" },
        sourceMaps: "inline",
      },
    ],
  },
  // Build output holds copies of package.json and of sources; neither is ours to resolve or watch.
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/cdktf.out/"],
  // Tests start workerd, shells and Terraform-sized module trees, on machines of two shared cores.
  maxWorkers: 2,
  testTimeout: 30_000,
  collectCoverageFrom: ["contracts/**/*.ts", "worker/**/*.ts"],
  coverageReporters: ["text", "text-summary", "json-summary", "lcovonly"],
  // Istanbul counts both arms of every `if`, `?:`, `&&` and `??`, taken or not. V8 reports only the blocks it saw differ:
  // an `if` without an `else` that is always entered counts as no branch at all.
  coverageProvider: "babel",
  // A directory's threshold holds for its files taken together; it applies when coverage is collected (`npm test`).
  coverageThreshold: {
    "./contracts/": { branches: 95 },
    "./worker/": { branches: 95 },
  },
};
