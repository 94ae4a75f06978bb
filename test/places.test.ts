import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withSecrets } from '../src/engine/accounts.ts';
import { AuthRequired, NotAllowed, NotFound, UsageError } from '../src/engine/errors.ts';
import { createPlaces, openLocalFolder } from '../src/engine/places.ts';
import type { Account, Location, Person } from '../src/engine/types.ts';
import { all, NOW, openWorld, testKinds, vault, type World } from './commands/world.ts';

const signal = new AbortController().signal;
const place: Location = { account: 'a1', kind: 'vault', root: 'shelf', text: 'vault:shelf' };

let world: World;
beforeEach(async () => {
  world = await openWorld();
  vault.opened.length = 0;
});
afterEach(async () => {
  vault.password = 'open sesame 42';
  await world.close();
});

async function account(password: string, more: Partial<Account> = {}): Promise<Account> {
  const plain: Account = {
    id: 'a1',
    owner: 'u1',
    name: 'vault',
    kind: 'vault',
    settings: { url: 'https://vault.example.org' },
    state: 'ready',
    created: NOW.toISOString(),
    ...more,
  };
  return world.store.put('accounts', withSecrets(plain, { password }, world.services.sealer));
}
const state = async (): Promise<string | undefined> => (await world.store.get('accounts', 'a1'))?.state;

describe('places', () => {
  it('opens an account with its secrets, its defaults and its sealed session, and shows the secret to nobody else', async () => {
    await account('open sesame 42');
    const health = await world.services.places.check(place, signal);
    expect(health.account).toBe('ana@vault');
    expect(vault.opened).toEqual([
      { settings: { url: 'https://vault.example.org', port: 443, password: 'open sesame 42' }, root: 'shelf' },
    ]);
    const stored = await world.store.get('accounts', 'a1');
    expect(stored?.session).toBeDefined();
    expect(JSON.stringify(stored)).not.toContain('sesame');
    expect(JSON.stringify(stored)).not.toContain('ticket');
  });

  it('marks an account whose sign-in is refused, whichever call finds out, and takes it back when it works again', async () => {
    await account('open sesame 42');
    const open = await world.services.places.open(place, signal);
    vault.password = 'changed meanwhile';
    await expect(all(open.provider.list({ signal }))).rejects.toThrow(AuthRequired);
    expect(await state()).toBe('needs_sign_in');
    const refused = await world.services.places.open(place, signal).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AuthRequired);
    expect((refused as AuthRequired).advice).toContain('connect vault as vault');
    vault.password = 'open sesame 42';
    await (await world.services.places.open(place, signal)).close();
    expect(await state()).toBe('ready');
    await open.close();
  });

  it('wraps what is opened, and puts traits learned at the opening over those of the kind', async () => {
    await account('open sesame 42');
    const wrapped: unknown[] = [];
    const { store, sealer, clock, log, config } = world.services;
    const places = createPlaces({
      store,
      sealer,
      clock,
      log,
      config,
      kinds: testKinds,
      http: async () => {
        throw new Error('no network');
      },
      wrap: (provider, details) => {
        wrapped.push(details);
        return { ...provider, link: async () => 'wrapped' };
      },
    });
    const open = await places.open(place, signal, 5_000_000);
    expect(wrapped).toMatchObject([{ location: place, shared: 'a1', limit: 5_000_000, traits: { parallel: 2 } }]);
    expect(open.provider.link).toBeDefined();
  });

  it('says what to do about an account that is gone or incomplete', async () => {
    const gone = await world.services.places.open(place, signal).catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(NotFound);
    expect((gone as NotFound).choices).toEqual([{ label: 'Connect vault', line: 'connect vault' }]);
    await account('open sesame 42', { settings: {} });
    const incomplete = await world.services.places.open(place, signal).catch((error: unknown) => error);
    expect(incomplete).toBeInstanceOf(UsageError);
    expect((incomplete as UsageError).advice).toContain('connect vault');
  });
});

describe('folders of this machine', () => {
  const folderAt = (root: string): Location => ({ kind: 'local', root, text: root });
  const as = (role: Person['role'], surface: string) => ({
    surface,
    person: { id: 'u1', name: 'Ana', role, identities: [], created: NOW.toISOString() },
  });

  it('those of KEEPSAKE_LOCAL_ROOTS are open to members; what a link leads to is not', async () => {
    const open = join(world.folder, 'open');
    const secret = join(world.folder, 'secret');
    await mkdir(open);
    await mkdir(secret);
    await symlink(secret, join(open, 'link'));
    const services = { store: world.store, config: { localRoots: [open] } };
    await openLocalFolder(services, as('member', 'slack'), folderAt(join(open, 'new', 'deep')));
    for (const root of [
      secret,
      `${open}-twin`,
      join(open, '..', 'secret'),
      join(open, 'link'),
      join(open, 'link', 'new'),
    ]) {
      await expect(openLocalFolder(services, as('member', 'slack'), folderAt(root)), root).rejects.toThrow(NotAllowed);
      await expect(openLocalFolder(services, as('owner', 'slack'), folderAt(root)), root).rejects.toThrow(NotAllowed);
    }
  });

  it('one that an owner types on the terminal is open from then on, for owners only', async () => {
    const typed = join(world.folder, 'typed');
    await mkdir(typed);
    const services = { store: world.store, config: { localRoots: [] } };
    await expect(openLocalFolder(services, as('member', 'terminal'), folderAt(typed))).rejects.toThrow(NotAllowed);
    await openLocalFolder(services, as('owner', 'terminal'), folderAt(typed));
    await openLocalFolder(services, as('owner', 'terminal'), folderAt(typed));
    await openLocalFolder(services, as('owner', 'slack'), folderAt(join(typed, 'below')));
    await expect(openLocalFolder(services, as('member', 'slack'), folderAt(typed))).rejects.toThrow(NotAllowed);
    expect((await world.store.get('settings', 'local-roots'))?.value).toEqual([typed]);
  });
});
