/**
 * Resolves with the result of `work`. @throws {Error} if a timer of `ms` that starts now fires first. A timer, unlike a
 * clock, is delayed together with the timers under test if the machine pauses.
 */
export async function soonerThan<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it took longer than ${ms} ms`)), ms);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
