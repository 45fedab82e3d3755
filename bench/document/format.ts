import type { Spread } from "../statistics";

/** Milliseconds, with as many digits as mean something. */
export function ms(value: number): string {
  return `${digits(value)} ms`;
}

export function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** A median with what lies around it. */
export function spread({ median, min, max }: Spread): string {
  return `${digits(median)} (${digits(min)} to ${digits(max)})`;
}

export function times(value: Spread): string {
  return `${spread(value)} ×`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** A count that can be a fraction, since it is shared out. */
export function share(value: number): string {
  return Number.isInteger(value) ? count(value) : value.toFixed(value < 10 ? 2 : 1);
}
