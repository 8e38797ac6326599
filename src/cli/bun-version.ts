/** The oldest version of Bun that this program runs on. */
export const MINIMUM_BUN = "1.4.0";

/** Returns in one line what is wrong with this version of Bun. `version` is undefined in other runtimes. */
export function bunProblem(version: string | undefined): string | undefined {
  const install = "npm install -g bun@latest";
  if (version === undefined) return `Parley needs Bun ${MINIMUM_BUN} or newer: ${install}`;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = MINIMUM_BUN.split(".").map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return undefined;
  return `Parley needs Bun ${MINIMUM_BUN} or newer, this is ${version}: ${install}`;
}
