import { join } from "node:path";
import { autoBindSteps, loadFeatures } from "jest-cucumber";
import { type Leftovers, watchLeftovers } from "../support/leftovers";
import { given } from "./support/given";
import { poolSteps } from "./support/pool-steps";
import { thenJobs } from "./support/then-jobs";
import { thenDispatch, thenRunners } from "./support/then-runners";
import { when } from "./support/when";
import { World } from "./support/world";

// Ten jobs one after the other are as many runners, each with its start and its end.
jest.setTimeout(90_000);

let world = new World();
let leftovers: Leftovers;

beforeAll(() => {
  leftovers = watchLeftovers();
});

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

afterAll(async () => {
  expect(await leftovers.end()).toEqual({ processes: [], files: [] });
});

const now = (): World => world;
autoBindSteps(
  loadFeatures(join(__dirname, "*.feature")),
  [given, when, thenJobs, thenRunners, thenDispatch, poolSteps].map((steps) => steps(now)),
);
