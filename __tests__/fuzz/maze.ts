/** Doors behind doors: whoever guesses the word at once gets nowhere, whoever notices each door that opens
 *  is soon through. For the tests of the engine. @returns whether `word` opened them all */
export function isThrough(word: string): boolean {
  if (word.charAt(0) !== "o") return false;
  if (word.charAt(1) !== "p") return false;
  if (word.charAt(2) !== "e") return false;
  return word.charAt(3) === "n";
}
