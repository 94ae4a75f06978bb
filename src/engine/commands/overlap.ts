/** Whether two locations share files: the same place, or one inside the other. Pure. */
import type { Location } from '../types.ts';

/** `a` is the same place as `b`, lies inside it, contains it, or is apart from it. */
export type Relation = 'same' | 'inside' | 'contains' | 'apart';

/** Elsewhere a backslash is a character of a name. */
const WINDOWS = /^(?:[a-z]:|\\\\)/i;

const partsOf = (root: string): string[] =>
  root.split(WINDOWS.test(root) ? /[/\\]/ : '/').filter((part) => part !== '' && part !== '.');

const samePlace = (a: Location, b: Location): boolean => a.kind === b.kind && a.account === b.account;

/** Relies on canonical roots (`ProviderKind.root`). Two accounts are apart: nothing tells that both lead to one server. */
export function relation(a: Location, b: Location): Relation {
  if (!samePlace(a, b)) return 'apart';
  const x = partsOf(a.root);
  const y = partsOf(b.root);
  const shared = Math.min(x.length, y.length);
  for (let i = 0; i < shared; i++) if (x[i] !== y[i]) return 'apart';
  if (x.length === y.length) return 'same';
  return x.length > y.length ? 'inside' : 'contains';
}

/** The path of the inner location below the outer one. */
export const pathBelow = (inner: Location, outer: Location): string =>
  partsOf(inner.root).slice(partsOf(outer.root).length).join('/');

/** The last part of a root, for names: `Pictures` of `/home/ana/Pictures`; empty for a whole account. */
export const lastPart = (root: string): string => partsOf(root).at(-1) ?? '';
