/**
 * What `work` comes to, which has to be before a timer of `ms` that begins now. A clock would be read late where the
 * machine stands still for a moment; a timer is late then too, and so are the timers of what is tested.
 */
export async function soonerThan<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it took longer than ${ms} ms`)), ms);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
