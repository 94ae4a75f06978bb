import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { VERBS } from '../../src/engine/commands/grammar/keywords.ts';
import { parse } from '../../src/engine/commands/grammar.ts';
import { COMMANDS } from '../../src/engine/commands/index.ts';
import { NOW, testKinds } from './world.ts';

const names = Object.keys(COMMANDS);

describe('the list of commands', () => {
  it('every command has exactly one file of its name and says its own name', async () => {
    const files = (await readdir(new URL('../../src/engine/commands/', import.meta.url))).map((file) =>
      file.replace('.ts', ''),
    );
    for (const name of names) {
      expect(
        files.filter((file) => file === name),
        `src/engine/commands/${name}.ts`,
      ).toHaveLength(1);
    }
    for (const [name, command] of Object.entries(COMMANDS)) expect(command.name).toBe(name);
  });

  it('every command can be said, and every word that can be said has a command', () => {
    expect(names.filter((name) => name !== 'create').sort()).toEqual(Object.keys(VERBS).sort());
  });

  it.each(names)('the example of %s works as typed', (name) => {
    const command = Object.values(COMMANDS).find((candidate) => candidate.name === name);
    const parsed = parse(command?.example ?? '', {
      now: NOW,
      zone: 'Europe/Berlin',
      accounts: [{ name: 'home', kind: 'vault' }],
      kinds: [...testKinds.list(), { name: 'webdav', title: 'WebDAV', aliases: [], roles: ['source', 'destination'] }],
      plans: [{ name: 'Pictures to usb' }],
    });
    expect(parsed).toMatchObject({ outcome: 'command', command: { name } });
  });

  it('summaries are one sentence', () => {
    for (const { name, summary } of Object.values(COMMANDS)) expect(summary, name).toMatch(/^[A-Z].{9,90}[.]$/);
  });
});
