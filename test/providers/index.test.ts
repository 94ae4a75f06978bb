/** The list of providers says of each what its file says. */
import { expect, it } from 'vitest';
import { kinds } from '../../src/providers/index.ts';

it.each(kinds.list().map((listed) => [listed.name, listed] as const))(
  '%s: the line in the list agrees with the file',
  async (name, { title, aliases, roles, rootExample }) => {
    const kind = await kinds.load(name);
    expect({ name, title, aliases, roles, rootExample }).toEqual({
      name: kind.name,
      title: kind.title,
      aliases: kind.aliases ?? [],
      roles: kind.roles,
      rootExample: kind.rootExample,
    });
  },
);

it('no two providers answer to the same word', () => {
  const words = kinds
    .list()
    .flatMap((kind) => [kind.name, kind.title, ...kind.aliases].map((word) => word.toLowerCase()));
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
});

it('an unknown service is told with those that there are', async () => {
  await expect(kinds.load('gdrvie')).rejects.toMatchObject({
    code: 'unknown_kind',
    advice: expect.stringContaining('local, '),
  });
});
