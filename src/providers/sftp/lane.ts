/** The requests of SFTP as functions, on one channel. Names and handles are bytes; times are seconds. */
import {
  checkStatus,
  type Field,
  HEAD,
  packetOf,
  type Reader,
  readerOf,
  STATUS,
  StatusError,
  TYPE,
  type Wire,
} from './wire.ts';

export interface Attrs {
  size?: number;
  mode?: number;
  /** Seconds since 1970; SFTP 3 knows nothing finer. */
  mtime?: number;
}

export interface Name {
  name: Buffer;
  attrs: Attrs;
}

export interface Room {
  free: number;
  total: number;
}

export const FLAG = { READ: 1, WRITE: 2, CREATE: 8, TRUNCATE: 16 } as const;

const HAS = { SIZE: 1, OWNER: 2, MODE: 4, TIMES: 8, EXTENDED: 0x80000000 };
const KIND = 0o170000;
export const isFolder = ({ mode }: Attrs): boolean => mode !== undefined && (mode & KIND) === 0o040000;
export const isFile = ({ mode }: Attrs): boolean => mode !== undefined && (mode & KIND) === 0o100000;

function attrsOf(fields: Reader): Attrs {
  const attrs: Attrs = {};
  const flags = fields.u32();
  if (flags & HAS.SIZE) attrs.size = Number(fields.u64());
  if (flags & HAS.OWNER) fields.u64();
  if (flags & HAS.MODE) attrs.mode = fields.u32();
  if (flags & HAS.TIMES) {
    fields.u32();
    attrs.mtime = fields.u32();
  }
  if (flags & HAS.EXTENDED) {
    for (let i = fields.u32(); i > 0; i--) {
      fields.bytes();
      fields.bytes();
    }
  }
  return attrs;
}

function fieldsOf({ size, mtime }: Attrs): Field[] {
  const fields: Field[] = [(size === undefined ? 0 : HAS.SIZE) | (mtime === undefined ? 0 : HAS.TIMES)];
  if (size !== undefined) fields.push(BigInt(size));
  if (mtime !== undefined) fields.push(mtime, mtime);
  return fields;
}

const text = (name: string): Buffer => Buffer.from(name);

export interface Lane {
  readonly wire: Wire;
  /** Bytes that one READ or WRITE may carry. */
  readonly most: number;
  /**
   * OpenSSH works through the requests of a channel one after another, so that several may be sent without waiting. Others
   * overlap them: a time set behind a write may be overtaken by it. And what they say of a file that is open may be wrong
   * (rclone: its time is "now" while it is read), so it is closed first and asked about by its name.
   */
  readonly inOrder: boolean;
  open(path: Buffer, flags: number): Promise<Buffer>;
  close(handle: Buffer): Promise<void>;
  /** Undefined at the end of the file. */
  read(handle: Buffer, offset: number, length: number): Promise<Buffer | undefined>;
  /** Copies the data at once: the caller may reuse its buffer. */
  write(handle: Buffer, offset: number, data: Uint8Array): Promise<void>;
  fstat(handle: Buffer): Promise<Attrs>;
  /** Not through a symlink. */
  lstat(path: Buffer): Promise<Attrs>;
  stat(path: Buffer): Promise<Attrs>;
  fsetstat(handle: Buffer, attrs: Attrs): Promise<void>;
  setstat(path: Buffer, attrs: Attrs): Promise<void>;
  /** Does nothing where the server does not offer it. */
  fsync(handle: Buffer): Promise<void>;
  opendir(path: Buffer): Promise<Buffer>;
  /** Undefined when all names were told. */
  readdir(handle: Buffer): Promise<Name[] | undefined>;
  remove(path: Buffer): Promise<void>;
  mkdir(path: Buffer): Promise<void>;
  /** Over an existing file too; in one step where the server offers that. */
  rename(from: Buffer, to: Buffer): Promise<void>;
  realpath(path: Buffer): Promise<Buffer>;
  /** Undefined where the server does not tell. */
  room(path: Buffer): Promise<Room | undefined>;
}

/** What every server must take (draft, section 3: packets of 34,000 bytes). */
const SAFE_MOST = 32_768;
/** OpenSSH's packets hold 256 KiB with their head. */
const OPENSSH_MOST = 256 * 1024 - 1024;

export function laneOf(wire: Wire, software: string): Lane {
  const request = (type: number, ...fields: Field[]): Promise<Buffer> => wire.send(packetOf(type, fields));

  /** Sends and expects a status. */
  const done = async (type: number, ...fields: Field[]): Promise<void> => {
    const reply = await request(type, ...fields);
    if (reply[0] !== TYPE.STATUS) throw new StatusError(STATUS.BAD_MESSAGE, `an answer of type ${reply[0]}`);
    checkStatus(reply);
  };

  /** Sends and expects that type of answer; a refusal throws. */
  const answer = async (wanted: number, type: number, ...fields: Field[]): Promise<Reader> => {
    const reply = await request(type, ...fields);
    if (reply[0] === TYPE.STATUS) checkStatus(reply);
    if (reply[0] !== wanted) throw new StatusError(STATUS.BAD_MESSAGE, `an answer of type ${reply[0]}`);
    return readerOf(reply, 5);
  };

  const atEnd = (error: unknown): undefined => {
    if (error instanceof StatusError && error.status === STATUS.EOF) return undefined;
    throw error;
  };

  const openssh = /^OpenSSH_/.test(software);
  const most = openssh ? OPENSSH_MOST : SAFE_MOST;

  const lane: Lane = {
    wire,
    most,
    inOrder: openssh,
    open: async (path, flags) => (await answer(TYPE.HANDLE, TYPE.OPEN, path, flags, 0)).bytes(),
    close: (handle) => done(TYPE.CLOSE, handle),
    read: async (handle, offset, length) => {
      const data = await answer(TYPE.DATA, TYPE.READ, handle, BigInt(offset), length).catch(atEnd);
      return data?.bytes();
    },
    write: async (handle, offset, data) => {
      const head = HEAD + 4 + handle.length + 12;
      const packet = Buffer.allocUnsafe(head + data.length);
      packet[4] = TYPE.WRITE;
      let at = packet.writeUInt32BE(handle.length, HEAD);
      packet.set(handle, at);
      at = packet.writeBigUInt64BE(BigInt(offset), at + handle.length);
      packet.writeUInt32BE(data.length, at);
      packet.set(data, head);
      checkStatus(await wire.send(packet));
    },
    fstat: async (handle) => attrsOf(await answer(TYPE.ATTRS, TYPE.FSTAT, handle)),
    lstat: async (path) => attrsOf(await answer(TYPE.ATTRS, TYPE.LSTAT, path)),
    stat: async (path) => attrsOf(await answer(TYPE.ATTRS, TYPE.STAT, path)),
    fsetstat: (handle, attrs) => done(TYPE.FSETSTAT, handle, ...fieldsOf(attrs)),
    setstat: (path, attrs) => done(TYPE.SETSTAT, path, ...fieldsOf(attrs)),
    fsync: async (handle) => {
      if (wire.extensions.has('fsync@openssh.com')) await done(TYPE.EXTENDED, text('fsync@openssh.com'), handle);
    },
    opendir: async (path) => (await answer(TYPE.HANDLE, TYPE.OPENDIR, path)).bytes(),
    readdir: async (handle) => {
      const fields = await answer(TYPE.NAME, TYPE.READDIR, handle).catch(atEnd);
      if (!fields) return undefined;
      return Array.from({ length: fields.u32() }, () => {
        const name = fields.bytes();
        fields.bytes();
        return { name, attrs: attrsOf(fields) };
      });
    },
    remove: (path) => done(TYPE.REMOVE, path),
    mkdir: (path) => done(TYPE.MKDIR, path, 0),
    rename: async (from, to) => {
      if (wire.extensions.has('posix-rename@openssh.com')) {
        return done(TYPE.EXTENDED, text('posix-rename@openssh.com'), from, to);
      }
      try {
        await done(TYPE.RENAME, from, to);
      } catch (error) {
        if (!(error instanceof StatusError) || error.status !== STATUS.FAILURE) throw error;
        // Plain SFTP 3 refuses to rename over a file. Only a file is removed for it: REMOVE refuses a folder.
        await lane.remove(to);
        await done(TYPE.RENAME, from, to);
      }
    },
    realpath: async (path) => {
      const fields = await answer(TYPE.NAME, TYPE.REALPATH, path);
      fields.u32();
      return fields.bytes();
    },
    room: async (path) => {
      if (!wire.extensions.has('statvfs@openssh.com')) return undefined;
      const asked = answer(TYPE.EXTENDED_REPLY, TYPE.EXTENDED, text('statvfs@openssh.com'), path);
      // rclone offers it and then refuses it.
      const fields = await asked.catch((error: unknown) => {
        if (error instanceof StatusError && error.status === STATUS.UNSUPPORTED) return undefined;
        throw error;
      });
      if (!fields) return undefined;
      fields.u64();
      const [unit, total] = [fields.u64(), fields.u64()];
      fields.u64();
      return { free: Number(fields.u64() * unit), total: Number(total * unit) };
    },
  };
  return lane;
}
