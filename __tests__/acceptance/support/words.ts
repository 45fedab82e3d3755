/** `a, b, c` as a list. */
export function list(text: string): string[] {
  return text.split(",").map((part) => part.trim());
}
