import { CLASS_BOUNDS } from "../../contracts/policy";
import { HOUR, LONG_STEP, type NightReport, WHOLE_AT, playNights } from "../chaos/nights";
import { type Harness, startHarness } from "../support/harness/harness";
import { RUNTIMES } from "../support/harness/runtimes";

const MOST_CHILDREN = 6;

/** After the image is mended: one pace, and a sweep. */
const SERVED_WITHIN = 3 * HOUR + LONG_STEP;
/** Where ends are told. */
const SERVED_WITHIN_TOLD = 2 * HOUR + LONG_STEP;

/** What comes then shows that nothing goes on. */
const AFTERWARDS = HOUR;

const { min, max, default: usual } = CLASS_BOUNDS.pickupDeadlineSeconds;

describe.each(RUNTIMES)(
  "a cluster that is full for six hours, then an image that is broken for three (%s)",
  (runtime) => {
    let harness: Harness;
    beforeAll(async () => {
      harness = await startHarness(runtime);
    });
    beforeEach(async () => {
      await harness.reset();
    });
    afterAll(async () => harness.close());

    /** What holds in every night. */
    function expectNothingLost(
      { served, needless, doubled, left, mostBlocked, died }: NightReport,
      within: number,
    ): void {
      expect([...served].filter(([, at]) => at === null || at > WHOLE_AT + within)).toEqual([]);
      // Nobody was served before: it was a long night for everybody.
      expect([...served].filter(([, at]) => at !== null && at < WHOLE_AT)).toEqual([]);
      expect({ needless, doubled, left }).toEqual({ needless: [], doubled: [], left: [] });
      expect(mostBlocked).toBeGreaterThanOrEqual(served.size);
      expect(died).toBeGreaterThanOrEqual(mostBlocked);
    }

    test.each([min, usual, max])(
      "with children that die without a word, and a pickup deadline of %i s: all jobs are served, with six children each at most",
      async (pickupDeadlineSeconds) => {
        const settings = { pickupDeadlineSeconds, endsAreTold: false, gives: "the oldest" } as const;
        const report = await playNights(harness, settings, WHOLE_AT + SERVED_WITHIN + AFTERWARDS);
        expectNothingLost(report, SERVED_WITHIN);
        for (const children of report.children.values()) {
          expect(children.length).toBeLessThanOrEqual(MOST_CHILDREN);
          expect(children.length).toBeGreaterThanOrEqual(2);
        }
      },
      180_000,
    );

    test("with a GitHub that gives the newest job first: a child that another job took is replaced, and is none of the six", async () => {
      const settings = { pickupDeadlineSeconds: usual, endsAreTold: false, gives: "the newest" } as const;
      const report = await playNights(harness, settings, WHOLE_AT + SERVED_WITHIN + AFTERWARDS);
      expectNothingLost(report, SERVED_WITHIN);
      for (const children of report.children.values())
        expect(children.filter(({ wasTaken }) => !wasTaken).length).toBeLessThanOrEqual(MOST_CHILDREN);
    }, 180_000);

    test("with children whose end is told: six each at most until the image is mended, and all jobs are served", async () => {
      const settings = { pickupDeadlineSeconds: usual, endsAreTold: true, gives: "the oldest" } as const;
      const report = await playNights(harness, settings, WHOLE_AT + SERVED_WITHIN_TOLD + AFTERWARDS);
      expectNothingLost(report, SERVED_WITHIN_TOLD);
      for (const children of report.children.values()) {
        expect(children.filter(({ at }) => at < WHOLE_AT).length).toBeLessThanOrEqual(MOST_CHILDREN);
        expect(children.length).toBeLessThanOrEqual(MOST_CHILDREN + 1);
      }
    }, 180_000);
  },
);
