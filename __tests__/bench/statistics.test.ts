import { largestThatFits, quantileOf, spreadOf } from "../../bench/statistics";

describe("a spread", () => {
  test.each([
    ["one value", [7], { median: 7, min: 7, max: 7 }],
    ["an odd number of values", [30, 10, 20], { median: 20, min: 10, max: 30 }],
    ["an even number: the middle of the two in the middle", [4, 1, 2, 100], { median: 3, min: 1, max: 100 }],
    ["numbers, ordered as numbers and not as text", [9, 10, 100], { median: 10, min: 9, max: 100 }],
  ])("is median, least and most of %s", (_, values, spread) => {
    expect(spreadOf(values)).toEqual(spread);
  });

  test("leaves the values as they were", () => {
    const values = [3, 1, 2];
    spreadOf(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test.each([
    ["no value", []],
    ["what is no number", [1, Number.NaN]],
    ["what is not finite", [1, Infinity]],
  ])("of %s is an error", (_, values) => {
    expect(() => spreadOf(values)).toThrow("needs one finite number or more");
  });
});

describe("a quantile", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);

  test.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])("of share %d is the value by its rank", (share, value) => {
    expect(quantileOf(values, share)).toBe(value);
  });

  test("of nothing is an error", () => {
    expect(() => quantileOf([], 0.5)).toThrow("needs one value or more");
  });
});

describe("the largest that fits", () => {
  test.each([1, 2, 23, 24, 98, 99])("is found at %d, with few questions", (largest) => {
    const fits = jest.fn((value: number) => value <= largest);
    expect(largestThatFits(100, fits)).toBe(largest);
    expect(fits.mock.calls.length).toBeLessThanOrEqual(9);
  });

  test("is an error where the answer is outside", () => {
    expect(() => largestThatFits(100, () => false)).toThrow("Not even 1 fits");
    expect(() => largestThatFits(100, () => true)).toThrow("100 fits");
  });
});
