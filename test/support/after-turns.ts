/** Lets everything happen that waits for neither a timer nor the outside: 20 turns of the event loop. */
export async function afterTurns(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
}
