import { RunnerScope, type RunnersStackProps, WarmPool } from "../../index";
import { parsePolicy } from "../../contracts/parse-policy";
import { Template, problemsOf, removeOutputs, warningsOf } from "../support/template";
import { LARGE, LINUX, SETTINGS } from "./settings";
import { bindingsOf, stackWith } from "./support";

afterAll(removeOutputs);

const ALWAYS = { className: "linux", scope: "octo-org/example", size: 2 };
const OFFICE = { ...ALWAYS, window: "* 8-17 * * 1-5", timeZone: "Europe/Berlin" };

function pooled(pools: readonly WarmPool[], more: Partial<RunnersStackProps> = {}) {
  return stackWith({ pools, ...more });
}

/** The stack of an organization. */
function organization(
  pools: readonly WarmPool[],
  more: Partial<RunnersStackProps> = {},
  settings: object = {},
) {
  const { repositories: _, ...rest } = SETTINGS;
  const scopes = [RunnerScope.organization("octo-org", settings)];
  return pooled(pools, { ...rest, repositories: undefined, scopes, ...more } as RunnersStackProps);
}

const about = (whole: ReturnType<typeof pooled>, words: string): readonly string[] =>
  warningsOf(whole).filter((text) => text.startsWith(words));

describe("warm pools", () => {
  it("are off unless they are asked for", () => {
    const policy = bindingsOf(new Template(stackWith())).get("RUNNER_POLICY")?.["json"] ?? "";
    expect(policy).not.toContain("pools");
    expect(about(stackWith(), "Pools")).toEqual([]);
  });

  it("reach the Worker's policy, always or in their window", () => {
    const whole = pooled([WarmPool.always(ALWAYS), WarmPool.scheduled({ ...OFFICE, size: 4 })]);
    expect(problemsOf(whole)).toEqual([]);
    const parsed = parsePolicy(bindingsOf(new Template(whole)).get("RUNNER_POLICY")?.["json"]);
    const { window, timeZone } = OFFICE;
    expect(parsed.ok && parsed.policy.pools).toEqual([
      { scope: "octo-org/example", class: "linux", size: 2, window: null, timeZone: "UTC" },
      { scope: "octo-org/example", class: "linux", size: 4, window, timeZone },
    ]);
  });

  it("are for an organization where the organization is a scope", () => {
    expect(problemsOf(organization([WarmPool.always({ ...ALWAYS, scope: "Octo-Org" })]))).toEqual([]);
  });

  it("warn of what they cost", () => {
    expect(
      about(pooled([WarmPool.always(ALWAYS), WarmPool.always({ ...ALWAYS, size: 3 })]), "Pools keep"),
    ).toEqual([expect.stringMatching(/^Pools keep 5 runners ready.*a registration every few minutes/)]);
    expect(
      about(pooled([WarmPool.always({ ...ALWAYS, size: 1 })]), "Pools keep 1 runner ready"),
    ).toHaveLength(1);
  });

  it("warn of public repositories, whose forks' jobs a ready runner may be given", () => {
    const open = { policy: { publicRepositories: ["octo-org/e*"] } };
    const other = { policy: { publicRepositories: ["octo-org/tool"] } };
    expect(about(pooled([WarmPool.always(ALWAYS)], open), "Pools wait")).toEqual([
      expect.stringMatching(/^Pools wait for jobs of public repositories in "octo-org\/example": /),
    ]);
    expect(about(pooled([WarmPool.always(ALWAYS)], other), "Pools wait")).toEqual([]);
    const whole = WarmPool.always({ ...ALWAYS, scope: "octo-org" });
    expect(
      about(organization([whole], {}, { publicRepositories: ["octo-org/site"] }), "Pools wait"),
    ).toHaveLength(1);
    expect(about(organization([whole]), "Pools wait")).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    [
      "for a class that is not there",
      { className: "macos" },
      /Worker\] pools\[0\]\.className: must be the name of one of the classes, got "macos"/,
    ],
    ["of no runner", { size: 0 }, /Worker\] pools\[0\]\.size: must be a whole number from 1 to 100, got 0/],
    [
      "of too many",
      { size: 101 },
      /Worker\] pools\[0\]\.size: must be a whole number from 1 to 100, got 101/,
    ],
    [
      "for a scope that is neither",
      { scope: "octo org" },
      /Worker\] pools\[0\]\.scope: must be owner\/name of a repository, or an organization's login, got "octo org"/,
    ],
    [
      "for a repository of another owner",
      { scope: "stranger/tool" },
      /Runners\] pools\[0\]\.scope: must be a repository that a repository scope's patterns name, got "stranger\/tool"/,
    ],
    [
      "for an organization in repository scope",
      { scope: "octo-org" },
      /Runners\] pools\[0\]\.scope: must be the organization of an organization scope, got "octo-org"/,
    ],
    [
      "in no window",
      { window: "8-17", timeZone: "UTC" },
      /Worker\] pools\[0\]\.window: must be five cron fields .*, got "8-17"/,
    ],
    [
      "in a time zone that has the shape of one",
      { ...OFFICE, timeZone: "Europe/Berlin2" },
      /Runners\] pools\[0\]\.timeZone: must be a time zone of the IANA database, got "Europe\/Berlin2"/,
    ],
  ])("are refused %s", (_what, changes, problem) => {
    const props = { ...ALWAYS, ...changes };
    const pool = "window" in props ? WarmPool.scheduled(props as typeof OFFICE) : WarmPool.always(props);
    expect(problemsOf(pooled([pool]))).toContainEqual(expect.stringMatching(problem));
  });

  it("for a repository are refused where an organization scope rules it", () => {
    expect(problemsOf(organization([WarmPool.always(ALWAYS)]))).toEqual([
      expect.stringMatching(
        /pools\[0\]\.scope: must be a repository that a repository scope's patterns name/,
      ),
    ]);
  });

  it("are told of all at once", () => {
    const wrong = { ...ALWAYS, size: 60, scope: "stranger/tool" };
    const found = problemsOf(
      pooled([WarmPool.always(wrong), WarmPool.always({ ...wrong, className: "macos" })]),
    );
    expect(found.map((line) => line.replace(/^\[[^\]]*\] /, "").split(":", 1)[0]).toSorted()).toEqual([
      "pools",
      "pools[0].scope",
      "pools[1].className",
      "pools[1].scope",
    ]);
  });

  describe("leave a place for others", () => {
    const pools = (size: number, scope = "octo-org/example"): WarmPool =>
      WarmPool.always({ ...ALWAYS, size, scope });
    const classes = [{ ...LINUX, maxRunners: 4 }, LARGE];
    const found = (...given: WarmPool[]) => problemsOf(pooled(given, { classes }));

    it("below the class's maximum, over all scopes", () => {
      expect(found(pools(3))).toEqual([]);
      expect(found(pools(2), pools(1, "octo-org/tool"))).toEqual([]);
      expect(found(pools(2), pools(2, "octo-org/tool"))).toEqual([
        expect.stringMatching(
          /pools: must keep at most 3 runners of the class "linux", whose maxRunners is 4, got 4;/,
        ),
      ]);
    });

    it("of several pools of one scope the largest counts, since they may have windows of their own", () => {
      expect(found(pools(3), pools(2, "Octo-Org/Example"))).toEqual([]);
    });

    it("which the only organization need not: there is nobody else", () => {
      const whole = (size: number) => organization([pools(size, "octo-org")], { classes });
      expect(problemsOf(whole(4))).toEqual([]);
      expect(problemsOf(whole(5))).toEqual([expect.stringMatching(/must keep at most 4 runners/)]);
    });

    it("and keep no more for a repository than the class lets it have", () => {
      const capped = [{ ...LINUX, maxRunnersPerRepository: 2 }, LARGE];
      expect(problemsOf(pooled([pools(2)], { classes: capped }))).toEqual([]);
      expect(problemsOf(pooled([pools(3)], { classes: capped }))).toEqual([
        expect.stringMatching(
          /pools\[0\]\.size: must be at most the class's maxRunnersPerRepository, which is 2, got 3/,
        ),
      ]);
      expect(problemsOf(organization([pools(3, "octo-org")], { classes: capped }))).toEqual([]);
    });
  });
});
