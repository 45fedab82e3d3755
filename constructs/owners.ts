/** Each owner once, as it is written first: logins are the same in any case. */
export function distinctOwners(owners: readonly string[]): readonly string[] {
  const found = new Map<string, string>();
  for (const owner of owners) {
    if (!found.has(owner.toLowerCase())) found.set(owner.toLowerCase(), owner);
  }
  return [...found.values()];
}

/**
 * What a personal access token cannot do, one sentence: a fine-grained one serves one owner.
 * @param prop the prop that holds the credential
 * @param remedy the prop that would make it a GitHub App
 * @see https://docs.github.com/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens
 */
export function severalOwnersProblem(prop: string, remedy: string, owners: readonly string[]): string[] {
  const distinct = distinctOwners(owners);
  if (distinct.length < 2) return [];
  return [
    `${prop}: must be a GitHub App for several owners, since a personal access token serves one, got a token for ` +
      `"${distinct.join('", "')}"; give ${remedy}, or select repositories of one owner`,
  ];
}
