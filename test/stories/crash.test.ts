/** A process that dies after a report was posted and before that was noted: what the next one makes of it. */
import { describe, expect, it } from 'vitest';
import { discordKind } from './discord-driver.ts';
import type { DriverKind, Seen } from './driver.ts';
import { slackKind } from './slack-driver.ts';
import { openStory, type World } from './world.ts';

const MINUTE = 60_000;
const REPORT = 'The one new photo is safe';

/** The outbox as the dead process left it: claimed, and nothing noted. */
async function forgetDelivery({ composed: { services } }: World): Promise<void> {
  const { store } = services;
  for await (const { sent: _, ...message } of store.find('outbox')) {
    if (message.state !== 'sent') continue;
    await store.remove('seen', `outbox/${message.id}`);
    await store.put('outbox', { ...message, state: 'waiting', tries: 1, due: services.clock.now().toISOString() });
  }
}

/** How often a report is there when the next process comes after so many minutes. */
async function toldAfter(kind: DriverKind, minutes: number, where: Seen['where']): Promise<number> {
  const world = await openStory(kind);
  try {
    await world.know('ana', 'owner');
    await world.files({ 'photos/a.jpg': 'first', 'photos/b.jpg': 'second' });
    const line = `backup ${world.at('photos')} to ${world.at('copy')} manually report always named photos`;
    await world.driver.say('ana', line);
    await world.until('the first run is over', async () => (await world.runs('photos'))[0]?.state === 'done');
    if (where === 'channel') {
      await world.driver.say('ana', 'share photos here', { in: 'channel' });
      await world.until('it is shared', async () => (await world.plan('photos'))?.conversation !== undefined);
    }
    await world.files({ 'photos/new.jpg': 'new' });
    await world.due('photos');
    await world.see('ana', REPORT, { in: where });
    const isSent = async (): Promise<boolean> => {
      for await (const { surface, state } of world.composed.services.store.find('outbox'))
        if (surface === world.driver.identity('ana').surface && state !== 'sent') return false;
      return true;
    };
    await world.until('it is noted', isSent);
    world.clock.forward(minutes * MINUTE);
    world.driver.troubles?.pass(minutes * MINUTE);
    await forgetDelivery(world);
    await world.until('it is noted again', isSent);
    await world.clock.sleep(10_000);
    expect(world.driver.violations()).toEqual([]);
    return world.all('ana', REPORT).length;
  } finally {
    await world.close();
  }
}

describe('a crash between posting a report and noting it', () => {
  // Within Discord's memory of what it was given, and long after it.
  for (const minutes of [3, 40]) {
    for (const kind of [slackKind('socket'), discordKind()])
      it(`${kind.name}, ${minutes} minutes later: once to its owner`, async () =>
        expect(await toldAfter(kind, minutes, 'private')).toBe(1));
    it(`Discord, ${minutes} minutes later: once in a channel`, async () =>
      expect(await toldAfter(discordKind(), minutes, 'channel')).toBe(1));
  }
  // The app asks for no right to read channels, so it cannot look: twice is better than never.
  it('Slack: in a channel it is said again rather than never', async () =>
    expect(await toldAfter(slackKind('socket'), 3, 'channel')).toBe(2));
});
