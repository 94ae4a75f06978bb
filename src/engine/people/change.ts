/** Changes a stored document whoever else is at it: read, changed and written again until nobody was faster. */
import { Conflict } from '../errors.ts';
import type { Store, TableName, Tables } from '../store/store.ts';

/** Answers the document as stored, or undefined when it is gone. `change` is called once per try. */
export async function changeDoc<T extends TableName>(
  store: Store,
  table: T,
  id: string,
  change: (doc: Tables[T]) => Tables[T],
): Promise<Tables[T] | undefined> {
  for (;;) {
    const doc = await store.get(table, id);
    if (!doc) return undefined;
    try {
      return await store.put(table, change(doc));
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}
