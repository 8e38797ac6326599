/** Until the sentences are loaded, the words of the server. */
let say = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What went wrong, as sentences. */
export const faultText = (error: unknown): string => say(error);

/** Loads the sentences about errors, which nobody needs at first. */
export async function loadSentences(): Promise<void> {
  const { faultText } = await import("./sentences.ts");
  say = faultText;
}
