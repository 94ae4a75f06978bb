/** One opened folder of an SFTP server, and where paths lie in it. */
import type { Path } from '../../engine/types.ts';
import { exactBytes } from '../lib/disk-names.ts';
import type { Pool } from './pool.ts';

export interface Place {
  pool: Pool;
  /** Absolute, as the server names it. */
  root: Buffer;
  /** For messages. */
  text: string;
}

const SLASH = Buffer.from('/');

export const childOf = (folder: Buffer, name: Buffer): Buffer =>
  folder.at(-1) === SLASH[0] ? Buffer.concat([folder, name]) : Buffer.concat([folder, SLASH, name]);

/** The root itself for ''. Throws as `exactBytes`. */
export const placeOf = ({ root }: Place, path: Path): Buffer => (path === '' ? root : childOf(root, exactBytes(path)));
