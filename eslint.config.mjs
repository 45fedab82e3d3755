import { fileURLToPath } from "node:url";
import comments from "@eslint-community/eslint-plugin-eslint-comments";
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { constructSignature } from "./scripts/lint/construct-signature.mjs";

const ROOT = fileURLToPath(new URL(".", import.meta.url));

/** The three programs of this package: which files each type-checks, by its own tsconfig. */
const PROGRAMS = [
  { files: ["**/*.ts"], ignores: ["worker/**", "__tests__/{worker,fuzz}/**"], project: "./tsconfig.json" },
  { files: ["worker/**/*.ts"], ignores: [], project: "./worker/tsconfig.json" },
  { files: ["__tests__/{worker,fuzz}/**/*.ts"], ignores: [], project: "./__tests__/worker/tsconfig.json" },
];

const TESTS = ["__tests__/**/*.ts"];

/** Rooms that may start other programs. */
const STARTS_PROGRAMS = ["local/**", "scripts/**", "bench/**", "__tests__/**"];

export default defineConfig(
  { ignores: ["node_modules/", "dist/", "coverage/", "cdktf.out/", "__tests__/fixtures/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    plugins: { comments, project: { rules: { "construct-signature": constructSignature } } },
    rules: {
      "max-lines": ["error", { max: 300 }],
      "max-lines-per-function": ["error", { max: 60, skipComments: true, skipBlankLines: true }],
      "no-restricted-imports": [
        "error",
        {
          paths: ["child_process", "node:child_process"].map((name) => ({
            name,
            message:
              "Synth starts no program, and a Worker cannot. Put what needs one into local/ or scripts/.",
          })),
        },
      ],
      eqeqeq: ["error", "always"],
      // A rule is switched off for a reason, and the reason stands behind two dashes in the same comment.
      "comments/require-description": ["error", { ignore: [] }],
      "comments/no-unlimited-disable": "error",
    },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/prefer-readonly": "error",
      // Said twice otherwise: tsc has noUnusedLocals and noUnusedParameters.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  ...PROGRAMS.map(({ files, ignores, project }) => ({
    files,
    ignores,
    languageOptions: { parserOptions: { project, tsconfigRootDir: ROOT } },
  })),
  {
    // What the bundle holds is counted in bytes, and a number in a template reads as it is written.
    files: ["worker/**/*.ts", "contracts/**/*.ts"],
    rules: { "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }] },
  },
  { files: ["constructs/**/*.ts"], rules: { "project/construct-signature": "error" } },
  { files: TESTS, rules: { "max-lines-per-function": "off" } },
  { files: STARTS_PROGRAMS, rules: { "no-restricted-imports": "off" } },
  {
    files: ["**/*.{js,cjs,mjs}"],
    languageOptions: {
      globals: { module: "writable", process: "readonly", require: "readonly", URL: "readonly" },
    },
  },
);
