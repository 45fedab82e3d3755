/** The styles that the views have, in the order in which they are declared. */
export const STYLES = ["person", "system", "container", "node"] as const;

type Style = (typeof STYLES)[number];

interface Colors {
  readonly fill: string;
  readonly stroke: string;
  readonly text: string;
}

/**
 * The look of every view, mermaid and Structurizr alike. Colours are those of C4; text on them has a contrast of 4.5 or
 * more.
 * @see https://www.w3.org/TR/WCAG22/#contrast-minimum
 */
export const THEME: {
  readonly colors: Readonly<Record<Style, Colors>>;
  /** Lines of relationships that hold at deploy only. */
  readonly deployLine: string;
} = {
  colors: {
    person: { fill: "#08427b", stroke: "#052e56", text: "#ffffff" },
    system: { fill: "#6b6b6b", stroke: "#4d4d4d", text: "#ffffff" },
    container: { fill: "#2a6fb0", stroke: "#1d4e7c", text: "#ffffff" },
    node: { fill: "#ffffff", stroke: "#6b6b6b", text: "#333333" },
  },
  deployLine: "#6b6b6b",
};
