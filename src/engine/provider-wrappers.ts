/** Manners that no driver needs to know: each is a provider around a provider. */
import type { Bytes, Clock, Provider } from './types.ts';

/**
 * Reads no faster than `bytesPerSecond` on average over all of its readers: a run's limit is on what it takes from its
 * source, and everything it sends was read before. Work is spread evenly, so a second after an idle hour is not a burst.
 */
export function withBandwidth(provider: Provider, bytesPerSecond: number, clock: Clock): Provider {
  let free = clock.now().getTime();
  const pay = async (bytes: number, signal: AbortSignal): Promise<void> => {
    const now = clock.now().getTime();
    free = Math.max(free, now) + (bytes / bytesPerSecond) * 1000;
    if (free > now) await clock.sleep(free - now, signal);
  };
  async function* slowed(bytes: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      await pay(chunk.byteLength, signal);
      yield chunk;
    }
  }
  return wrapped(provider, {
    read: async (entry, o) => slowed(await provider.read(entry, o), o.signal),
  });
}

/**
 * A provider with some methods replaced. What the inner one lacks stays absent, because a method that is present is a
 * capability; every method keeps its own `this`.
 */
export function wrapped(provider: Provider, replaced: Partial<Provider>): Provider {
  return new Proxy(provider, {
    get(target, name) {
      const own: unknown = Reflect.get(replaced, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
