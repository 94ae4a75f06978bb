/** Who and what is there from the beginning. */
import { emulate } from './emulated.ts';
import type { Workspace, World } from './world.ts';

const person = (name: string, realName: string, zone: string, offset: number, locale: string) => ({
  name,
  realName,
  zone,
  offset,
  locale,
});

export const PEOPLE = {
  first: [
    person('ana', 'Ana Alba', 'Europe/Berlin', 3600, 'de-DE'),
    person('ben', 'Ben Bold', 'America/New_York', -18_000, 'en-US'),
    person('stranger', 'Sam Strange', 'Asia/Tokyo', 32_400, 'ja-JP'),
  ],
  second: [person('zoe', 'Zoe Zander', 'Europe/London', 0, 'en-GB')],
};

/** A workspace with its people, a channel that the bot is in, and others. */
export async function createWorkspace(
  world: World,
  o: {
    id: string;
    name: string;
    domain: string;
    people: ReturnType<typeof person>[];
    joined: string;
    others: string[];
  },
): Promise<Workspace> {
  const botUser = `U0BOT${o.id.slice(2, 6)}`;
  const botId = `B0BOT${o.id.slice(2, 6)}`;
  const emulated = await emulate(world, {
    team: o.id,
    name: o.name,
    domain: o.domain,
    botUser,
    botId,
    users: o.people.map(({ name, realName }) => ({ name, real_name: realName, email: `${name}@example.org` })),
    channels: [o.joined, ...o.others],
  });
  const workspace: Workspace = {
    id: o.id,
    name: o.name,
    domain: o.domain,
    botUser,
    botId,
    users: [],
    channels: [],
    emulated,
  };
  world.workspaces.push(workspace);
  const members = (await emulated.call('users.list', {})).members as { id: string; name: string }[];
  for (const one of o.people) {
    const id = members.find(({ name }) => name === one.name)?.id;
    if (id === undefined) throw new Error(`the emulator does not know ${one.name}`);
    workspace.users.push({ ...one, id, workspace: o.id });
  }
  const channels = (await emulated.call('conversations.list', {})).channels as { id: string; name: string }[];
  for (const name of [o.joined, ...o.others]) {
    const id = channels.find((one) => one.name === name)?.id;
    if (id === undefined) throw new Error(`the emulator has no channel ${name}`);
    const people = workspace.users.map((user) => user.id);
    if (name === o.joined) await emulated.call('conversations.join', { channel: id });
    workspace.channels.push({ id, name, members: name === o.joined ? [...people, botUser] : people });
  }
  return workspace;
}
