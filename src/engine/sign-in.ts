/** A provider around a provider that notices when the service no longer accepts the account's sign-in. */
import { AuthRequired } from './errors.ts';
import type { Provider } from './types.ts';

/** `copyFrom` recognises its own kind by the object, so it must get the one that was opened, not its wrapper. */
const opened = new WeakMap<Provider, Provider>();

/**
 * Calls `onSignInNeeded` before an `AuthRequired` goes on to the caller. A body that is being read is left alone: a
 * service refuses at the request, and one more layer would cost every chunk.
 */
export function watchSignIn(provider: Provider, onSignInNeeded: () => Promise<void>): Provider {
  const noticed = async (error: unknown): Promise<never> => {
    if (error instanceof AuthRequired) await onSignInNeeded();
    throw error;
  };
  const call = <T>(work: Promise<T>): Promise<T> => work.catch(noticed);
  async function* stream<T>(items: AsyncIterable<T>): AsyncIterable<T> {
    try {
      yield* items;
    } catch (error) {
      await noticed(error);
    }
  }
  const { traits, write, makeFolder, confirm, remove, move, copyFrom, changes, link, thumbnail, close } = provider;
  const watched: Provider = {
    ...(traits && { traits }),
    check: (o) => call(provider.check(o)),
    list: (o) => stream(provider.list(o)),
    read: (entry, o) => call(provider.read(entry, o)),
    ...(write && { write: (file, o) => call(write.call(provider, file, o)) }),
    ...(makeFolder && { makeFolder: (folder, o) => call(makeFolder.call(provider, folder, o)) }),
    ...(confirm && { confirm: (paths, o) => call(confirm.call(provider, paths, o)) }),
    ...(remove && { remove: (entry, o) => call(remove.call(provider, entry, o)) }),
    ...(move && { move: (entry, to, o) => call(move.call(provider, entry, to, o)) }),
    ...(copyFrom && {
      copyFrom: (entry, from, to, o) => call(copyFrom.call(provider, entry, opened.get(from) ?? from, to, o)),
    }),
    ...(changes && { changes: (cursor, o) => stream(changes.call(provider, cursor, o)) }),
    ...(link && { link: (entry, o) => call(link.call(provider, entry, o)) }),
    ...(thumbnail && { thumbnail: (entry, o) => call(thumbnail.call(provider, entry, o)) }),
    ...(close && { close: () => close.call(provider) }),
  };
  opened.set(watched, provider);
  return watched;
}
