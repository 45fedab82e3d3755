/** The five fields of a cron expression, each as the set of numbers it stands for. */
export interface CronWindow {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
}

/** Lowest and highest number of each field, in cron's order; 7 is Sunday as well. */
const FIELDS = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12 },
  { min: 0, max: 7 },
] as const;

/** A value or `*`, a range, a step. */
const PART = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/;

/**
 * Reads a window of time written as a cron expression: it is open in every minute that the expression fires in. Numbers,
 * `*`, lists, ranges and steps; a day must fit both its day fields, other than in cron, where either will do.
 * @returns null when it is not one
 */
export function parseCronWindow(text: string): CronWindow | null {
  const fields = text.length > 200 ? [] : text.split(" ");
  const sets = FIELDS.map(({ min, max }, index) => parseField(fields[index] ?? "", min, max));
  const [minutes, hours, days, months, weekdays] = sets;
  if (fields.length !== FIELDS.length || !minutes || !hours || !days || !months || !weekdays) return null;
  return { minutes, hours, days, months, weekdays: new Set([...weekdays].map((day) => day % 7)) };
}

function parseField(field: string, min: number, max: number): ReadonlySet<number> | null {
  const found = new Set<number>();
  for (const part of field.split(",")) {
    const match = PART.exec(part);
    if (match === null) return null;
    const [, first, last, step] = match;
    const from = first === undefined ? min : Number(first);
    // As in cron, `5/15` begins at 5 and goes on to the end.
    const to = last !== undefined ? Number(last) : first !== undefined && step === undefined ? from : max;
    const by = step === undefined ? 1 : Number(step);
    if (from < min || to > max || from > to || by < 1) return null;
    for (let value = from; value <= to; value += by) found.add(value);
  }
  return found;
}

/**
 * Whether a moment lies in the window.
 * @param at milliseconds since the epoch
 * @param timeZone IANA name
 * @throws RangeError when the runtime does not know the time zone
 */
export function isInWindow(window: CronWindow, timeZone: string, at: number): boolean {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    minute: "numeric",
    hour: "numeric",
    day: "numeric",
    month: "numeric",
    year: "numeric",
  }).formatToParts(at);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value);
  const weekday = new Date(Date.UTC(part("year"), part("month") - 1, part("day"))).getUTCDay();
  return (
    window.minutes.has(part("minute")) &&
    window.hours.has(part("hour")) &&
    window.days.has(part("day")) &&
    window.months.has(part("month")) &&
    window.weekdays.has(weekday)
  );
}
