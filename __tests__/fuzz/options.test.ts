import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fuzzOptions, replayCommand } from "./options";
import { TARGETS } from "./targets";

const KNOWN = ["event", "claim"];
const options = (...words: readonly string[]) => fuzzOptions(words, KNOWN, 42);

describe("the options of npm run test:fuzz", () => {
  test("are a minute for all targets, with a seed of their own, when nothing is said", () => {
    expect(options()).toEqual({ seconds: 60, targets: KNOWN, seed: 42, keep: false, input: undefined });
  });

  test("are what is said", () => {
    expect(options("--seconds", "5", "--target", "claim", "--seed", "7", "--keep")).toEqual({
      ...{ seconds: 5, targets: ["claim"], seed: 7, keep: true, input: undefined },
    });
  });

  test.each([
    [["--seconds", "0"], '--seconds: must be a whole number from 1 to 86400, got "0".'],
    [["--seconds", "1.5"], '--seconds: must be a whole number from 1 to 86400, got "1.5".'],
    [["--seed", "4294967296"], '--seed: must be a whole number from 0 to 4294967295, got "4294967296".'],
    [["--seed=-1"], '--seed: must be a whole number from 0 to 4294967295, got "-1".'],
    [["--target", "event", "--target", "evnt"], '--target: must be one of event, claim, got "evnt".'],
    [["--input", "e30"], "--input: needs the --target that it is for, one of event, claim."],
    [
      ["--target", "claim", "--input", "e3"],
      '--input: must be base64url of JSON, as a failing run prints it, got "e3".',
    ],
    [["--forever"], /Unknown option '--forever'/],
    [["event"], /Unexpected argument 'event'/],
  ])("are refused when they are %j", (words, message) => {
    expect(() => options(...words)).toThrow(message);
  });

  test("hold an input as the command has it that a failing run prints", () => {
    const input = { text: "it's a \u0000 and an é", n: 1 };
    const [, command = ""] = replayCommand("claim", input).split(" -- ");
    expect(options(...command.split(" "))).toMatchObject({ targets: ["claim"], input });
  });

  test("reach the program: it tries one input, and says what is allowed", () => {
    const run = (...words: readonly string[]) =>
      spawnSync(process.execPath, [require.resolve("tsx/cli"), join(__dirname, "main.ts"), ...words], {
        encoding: "utf8",
        timeout: 25_000,
      });
    const [, command = ""] = replayCommand("claim", {}).split(" -- ");
    expect(run(...command.split(" "))).toMatchObject({ status: 0, stdout: "claim: every property holds\n" });
    const names = TARGETS.map(({ name }) => name).join(", ");
    expect(run("--target", "x")).toMatchObject({
      status: 1,
      stderr: `--target: must be one of ${names}, got "x".\n`,
    });
  });
});
