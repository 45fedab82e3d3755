/** A length of time as Go writes it. */
export interface GoDuration {
  /** Its length. */
  readonly seconds: number;
  /** The one text by which Go's `time.Duration` shows it: `24h` is `24h0m0s`. */
  readonly text: string;
}

const SHAPE = /^(?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;

/**
 * Reads a duration of whole hours, minutes and seconds, such as `24h` or `1h30m`. Go takes fractions and smaller units
 * too; nothing here lasts that short.
 * @returns undefined when it is something else
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(duration: string): GoDuration | undefined {
  const match = SHAPE.exec(duration);
  if (match === null) return undefined;
  const [hours, minutes, seconds] = [1, 2, 3].map((group) => Number(match[group] ?? 0)) as [
    number,
    number,
    number,
  ];
  return goDuration(hours * 3_600 + minutes * 60 + seconds);
}

function goDuration(total: number): GoDuration {
  const hours = Math.floor(total / 3_600);
  const minutes = Math.floor((total % 3_600) / 60);
  const parts = [`${String(total % 60)}s`];
  if (total >= 60) parts.unshift(`${String(minutes)}m`);
  if (hours > 0) parts.unshift(`${String(hours)}h`);
  return { seconds: total, text: parts.join("") };
}
