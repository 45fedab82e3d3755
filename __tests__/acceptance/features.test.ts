import { join } from "node:path";
import { autoBindSteps, loadFeatures } from "jest-cucumber";
import { type Leftovers, watchLeftovers } from "../support/leftovers";
import { given } from "./support/given";
import { thenJobs } from "./support/then-jobs";
import { thenDispatch, thenRunners } from "./support/then-runners";
import { when } from "./support/when";
import { World } from "./support/world";

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
  [given, when, thenJobs, thenRunners, thenDispatch].map((steps) => steps(now)),
);
