import type { Results, Subject } from "../results";
import type { Spread } from "../statistics";
import { digits } from "./format";

/** One bar of a panel. */
export interface Bar {
  readonly label: string;
  readonly spread: Spread;
  /** Floors are drawn paler. */
  readonly floor: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABELS = 230;
const VALUES = 150;
const ROW = 26;
const TITLE = 34;
const GAP = 18;

/** How far beyond the largest median a panel goes; one slow round ends there, and its number says how slow it was. */
const ROOM = 1.4;

/** Colours that hold on white and on dark; text follows the reader's scheme. */
const STYLE = `text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-weight:600}.f{fill:#8c959f}.p{fill:#0969da}
.w{stroke:#1f2328;stroke-width:1.5}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.f{fill:#6e7681}.p{fill:#4493f8}.w{stroke:#e6edf3}}`;

/** The chart of a run: each panel on a scale of its own that begins at 0. */
export function chart(panels: readonly Panel[]): string {
  let top = 0;
  const parts = panels.map((panel) => {
    const drawn = drawPanel(panel, top);
    top += TITLE + panel.bars.length * ROW + GAP;
    return drawn;
  });
  const size = `width="${String(WIDTH)}" height="${String(top)}" viewBox="0 0 ${String(WIDTH)} ${String(top)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="Latency and throughput beside their floors">`,
    `<style>${STYLE}</style>`,
    ...parts.flat(),
    "</svg>",
    "",
  ].join("\n");
}

function drawPanel({ title, bars }: Panel, top: number): readonly string[] {
  const most = ROOM * Math.max(...bars.map(({ spread }) => spread.median));
  const scale = (value: number): number => (Math.min(value, most) / most) * (WIDTH - LABELS - VALUES);
  return [
    `<text class="t" x="0" y="${String(top + 20)}">${escaped(title)}</text>`,
    ...bars.flatMap(({ label, spread, floor }, index) => {
      const y = top + TITLE + index * ROW;
      const at = (value: number): string => (LABELS + scale(value)).toFixed(1);
      const middle = String(y + 9);
      return [
        `<text x="0" y="${String(y + 14)}">${escaped(label)}</text>`,
        `<rect class="${floor ? "f" : "p"}" x="${String(LABELS)}" y="${String(y)}" width="${scale(spread.median).toFixed(1)}" height="18" rx="2"/>`,
        `<line class="w" x1="${at(spread.min)}" x2="${at(spread.max)}" y1="${middle}" y2="${middle}"/>`,
        `<text x="${(LABELS + scale(spread.max) + 8).toFixed(1)}" y="${String(y + 14)}">${digits(spread.median)} (${digits(spread.min)} to ${digits(spread.max)})</text>`,
      ];
    }),
  ];
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

const BARS: readonly (readonly [Subject, string, boolean])[] = [
  ["hmac-wrong", "floor (a): HMAC only", true],
  ["rejected", "rejected", false],
  ["hmac-right", "floor (a), signature right", true],
  ["ignored", "ignored", false],
  ["fetch", "floor (b): HMAC, parse, fetch", true],
  ["transaction", "HMAC and the transaction", true],
  ["accepted", "accepted", false],
];

/** What the document's chart shows. */
export function panelsOf({ deliveries, history }: Results): readonly Panel[] {
  const { series } = deliveries;
  const smallest = history[0]?.jobs.toLocaleString("en") ?? "";
  const bars = (spreadOf: (subject: Subject) => Spread): readonly Bar[] =>
    BARS.map(([subject, label, floor]) => ({ label, floor, spread: spreadOf(subject) }));
  return [
    { title: "Answer, p50 in ms: one delivery at a time", bars: bars((one) => series.paced[one].p50) },
    { title: "Answer, p50 in ms: one connection, back to back", bars: bars((one) => series["1"][one].p50) },
    { title: "Per second, 32 connections", bars: bars((one) => series["32"][one].perSecond) },
    {
      title: `A delivery by past jobs, × the one with ${smallest}`,
      bars: history.map(({ jobs, steps }, index) => ({
        label: `${jobs.toLocaleString("en")} past jobs`,
        spread: steps.delivery.ratio,
        floor: index === 0,
      })),
    },
  ];
}
