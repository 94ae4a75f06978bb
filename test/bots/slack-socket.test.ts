/** Slack over Socket Mode, against a Slack that fails a wrong client. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Person, Reply } from '../../src/engine/types.ts';
import type { SlackMessage, SlackServer, SlackView } from '../servers/slack.ts';
import { openSlackWorld, type SlackWorld } from './slack-world.ts';

const all = (shown: SlackMessage | SlackView): string =>
  JSON.stringify([shown.blocks, 'text' in shown ? shown.text : '']);

describe.each(['normal', 'stingy'] as const)('Slack over Socket Mode, %s', (profile) => {
  let place: SlackWorld;
  let slack: SlackServer;
  let ana: Person;

  beforeEach(async () => {
    place = await openSlackWorld({ profile });
    slack = place.slack;
    ana = await place.know(slack.users.ana, 'owner');
  });
  afterEach(async () => {
    await place.close();
    expect(slack.violations).toEqual([]);
    expect(slack.faultsLeft()).toEqual([]);
  });

  const create = (more = ''): string =>
    `backup ${place.world.folder}/photos to ${place.world.folder}/copy manually named photos${more}`;

  const dm = (pattern: RegExp): Promise<SlackMessage> =>
    slack.waitFor(
      () => slack.messages(slack.users.ana).findLast((one) => one.fromBot && pattern.test(all(one))),
      15_000,
    );
  const whispered = (pattern: RegExp): Promise<SlackMessage> =>
    slack.waitFor(() => slack.ephemerals('ana').findLast((one) => pattern.test(all(one))));
  const modal = (pattern: RegExp): Promise<SlackView> =>
    slack.waitFor(() => slack.views('ana').findLast((one) => pattern.test(all(one)) || pattern.test(one.title)));

  describe('lines', () => {
    it('are answered in a channel to the speaker alone', async () => {
      await place.start();
      await slack.as('ana').slash('', { channel: slack.channels.backups });
      expect((await whispered(/backup/i)).via).toBe('response_url');
      expect(slack.messages('#backups')).toEqual([]);
    });

    it('are acknowledged before anything is asked', async () => {
      await place.start();
      slack.hang('users.info');
      slack.hang('conversations.open');
      const asked = slack.calls.length;
      const acked = await slack.as('ana').slash('', { channel: await slack.as('ana').direct() });
      expect(acked.failed).toBeUndefined();
      expect(slack.calls.slice(asked).every(({ method }) => /^(users\.info|conversations\.open)$/.test(method))).toBe(
        true,
      );
    });

    it('go on when Slack does not say who is speaking', async () => {
      await place.start();
      slack.fail('users.info', 'internal_error');
      await slack.as('ana').slash('list', { channel: slack.channels.backups });
      await whispered(/No backups yet/);
    });

    it('are answered in the direct conversation with a message that stays', async () => {
      await place.start();
      await slack.as('ana').dm('list');
      expect((await dm(/No backups yet/)).only).toBeUndefined();
    });

    it('are taken where the bot is mentioned, and answered there for one pair of eyes, in the thread', async () => {
      await place.start();
      const first = await slack.as('ana').mention(slack.channels.backups, 'list');
      expect(first.failed).toBeUndefined();
      const said = await slack.waitFor(() => slack.messages('#backups').at(-1));
      await slack.as('ana').mention(slack.channels.backups, 'whoami', { thread: said.ts });
      expect((await whispered(/No backups yet/)).via).toBe('chat.postEphemeral');
      await whispered(/Ana/);
      const [, below] = slack.calls.filter(({ method }) => method === 'chat.postEphemeral');
      expect(below?.args.thread_ts).toBe(said.ts);
    });

    it('reach people in conversations where the bot is not: once by the address of the event, then directly', async () => {
      await place.start();
      await slack.as('ana').slash('list', { channel: slack.channels.finance });
      expect((await whispered(/No backups yet/)).conversation).toBe(slack.channels.finance);
      const button = await whispered(/No backups yet/);
      slack.expire();
      await slack.as('ana').click(button, 'How to make one');
      await whispered(/help/i);
    });

    it('are told that it did not work where the database is away at a press', async () => {
      const { controls } = place.services;
      const find = async (): Promise<never> => {
        throw new Error('The database is away.');
      };
      await place.start({ services: { ...place.services, controls: { ...controls, find } } });
      await slack.as('ana').slash(`backup ${'ö'.repeat(1_900)}`, { channel: slack.channels.backups });
      const answer = await whispered(/Nothing was done/);
      await slack.as('ana').click(answer, 'Edit');
      await whispered(/wrong on my side/);
    });

    it('tell strangers how to get in, and nothing else', async () => {
      await place.start();
      await slack.as('stranger').slash('list', { channel: slack.channels.backups });
      const seen = await slack.waitFor(() => slack.ephemerals('stranger')[0]);
      expect(all(seen)).toMatch(/do not know you/);
    });

    it('give people without a zone the one that Slack knows', async () => {
      await place.know(slack.users.ben, 'member');
      const { zone: _, ...ben } = await place.world.store.put('people', {
        ...((await place.world.store.get('people', slack.users.ben.name)) as Person),
      });
      await place.world.store.put('people', ben);
      await place.start();
      await slack.as('ben').dm('whoami');
      await slack.waitFor(() => slack.messages(slack.users.ben).find(({ fromBot }) => fromBot));
      expect((await place.world.store.get('people', ben.id))?.zone).toBe('America/New_York');
    });
  });

  describe('buttons and forms', () => {
    const running = async (): Promise<void> => {
      void place.world.backup.workUntil(place.world.signal);
    };

    it('act once however often they are pressed', async () => {
      await place.start();
      await slack.as('ana').dm('list');
      const message = await dm(/No backups yet/);
      await Promise.all([
        slack.as('ana').click(message, 'How to make one'),
        slack.as('ana').click(message, 'How to make one'),
      ]);
      await dm(/create/);
      await slack.as('ana').dm('whoami');
      await dm(/Ana/);
      expect(slack.messages(slack.users.ana).filter((one) => one.fromBot)).toHaveLength(3);
    });

    it('ask before what cannot be taken back, and then say what was chosen', async () => {
      await place.start();
      await slack.as('ana').dm(create());
      await dm(/photos/);
      await slack.as('ana').dm('delete photos');
      const question = await dm(/Answer yes or no/);
      await slack.as('ana').click(question, 'No, leave it');
      const settled = await dm(/You chose: No, leave it/);
      expect(settled.ts).toBe(question.ts);
      expect(all(settled)).not.toMatch(/"button"/);
    });

    it('open a form at once, say what is missing in it, and make a line of the answers', async () => {
      await place.start();
      await slack.as('ana').dm('list');
      await slack.as('ana').click(await dm(/No backups yet/), 'New backup');
      const view = await modal(/New backup|Start/);
      const labels = JSON.stringify(view.blocks);
      expect(labels).toMatch(/input/);
      const wrong = await slack.as('ana').submit(view, {});
      expect(wrong.errors).toBeDefined();
      expect(slack.views('ana')).toHaveLength(1);
      const right = await slack.as('ana').submit(view, {
        'What to back up': `${place.world.folder}/photos`,
        'Where to': `${place.world.folder}/copy`,
        When: 'manually',
      });
      expect(right.errors).toBeUndefined();
      await dm(/copy/);
      expect(slack.views('ana')).toEqual([]);
    });

    it('say what is wrong with an answer where it was given', async () => {
      await place.start();
      await slack.as('ana').dm(create());
      await dm(/photos is set up/);
      await slack.as('ana').dm('show photos');
      await slack.as('ana').click(await dm(/"Edit"/), 'Edit');
      const view = await modal(/Edit photos|Name/);
      const wrong = await slack.as('ana').submit(view, { Name: '  ' });
      expect(wrong.errors).toEqual({ Name: 'Please fill in: Name.' });
      expect(slack.views('ana')).toHaveLength(1);
      await slack.as('ana').submit(view, { Name: 'holidays' });
      await dm(/holidays/);
    });

    it('restore from a report with two clicks, with the files suggested', async () => {
      await place.start();
      await running();
      await slack.as('ana').dm(create());
      const card = await dm(/one photo is safe/);
      await slack.as('ana').shortcut('restore_this', card);
      const view = await modal(/Restore photos/);
      expect(await slack.as('ana').options(view, 'Files', 'a')).toContainEqual(expect.stringMatching(/^a\.jpg/));
      await slack.as('ana').submit(view, { Files: ['a.jpg'] });
      await dm(/Restore of photos: 1 file/);
    });

    it('say honestly that a message is nothing to restore from', async () => {
      await place.start();
      await slack.as('ana').dm('hello there');
      const own = await slack.waitFor(() => slack.messages(slack.users.ana).find(({ fromBot }) => !fromBot));
      await slack.as('ana').shortcut('restore_this', own);
      await modal(/nothing to restore/);
    });

    it('begin a backup from anywhere', async () => {
      await place.start();
      await slack.as('ana').globalShortcut('new_backup');
      await modal(/What to back up/);
    });
  });

  describe('the home page', () => {
    it('says first whether all is safe, and is drawn anew after changes', async () => {
      await place.start();
      await slack.as('ana').openHome();
      const home = await slack.waitFor(() => slack.home('ana'));
      expect(all(home)).toMatch(/New backup/);
      expect(all(home)).toMatch(/Settings/);
      await slack.as('ana').dm(create());
      await slack.waitFor(() => /photos/.test(JSON.stringify(slack.home('ana')?.blocks)), 10_000);
    });

    it('tells strangers how to get in', async () => {
      await place.start();
      await slack.as('stranger').openHome();
      const home = await slack.waitFor(() => slack.home('stranger'));
      expect(all(home)).toMatch(/do not know you/);
      expect(all(home)).not.toMatch(/Settings/);
    });

    it('answers its buttons in the direct conversation', async () => {
      await place.start();
      await slack.as('ana').openHome();
      const home = await slack.waitFor(() => slack.home('ana'));
      await slack.as('ana').choose(home, 'Settings', 'Who I am here');
      await dm(/Ana/);
    });
  });

  describe('reports', () => {
    const report: Reply = { tone: 'good', title: 'photos is backed up.', blocks: [] };
    const order = async (key: string, reply: Reply = report): Promise<void> => {
      const message = place.world.services.outbox.message(ana, 'slack', key, reply);
      await place.world.store.put('outbox', message);
    };

    it('are said once though the answer to the first try was lost', async () => {
      const running = await place.start();
      slack.lose('chat.postMessage');
      await order('r1');
      await place.deliver(running);
      await place.makeDue();
      await place.deliver(running);
      expect(slack.messages(slack.users.ana).filter((one) => one.text.includes('backed up'))).toHaveLength(1);
      const [message] = (await place.outbox()).filter(({ state }) => state === 'sent');
      expect(message?.key).toBe('r1');
    });

    it('carry their pictures below them, with words for people who do not see', async () => {
      const running = await place.start();
      const picture = {
        kind: 'image',
        alt: 'Four of the new photos',
        bytes: new Uint8Array([137, 80, 78, 71]),
        mime: 'image/png',
      } as const;
      await order('r2', { ...report, blocks: [picture] });
      await place.deliver(running);
      const [upload] = slack.uploads;
      expect(upload?.alt).toBe('Four of the new photos');
      expect(upload?.conversation).toBe(await slack.as('ana').direct());
    });
  });

  describe('a card', () => {
    it('that may not be edited for a while delays no message', async () => {
      await place.start();
      void place.world.backup.workUntil(place.world.signal);
      slack.limit('chat.update', { retryAfter: 30, times: 1 });
      await slack.as('ana').dm(create());
      await slack.waitFor(() => slack.calls.some(({ method, status }) => method === 'chat.update' && status === 429));
      await slack.as('ana').dm('whoami');
      await dm(/Ana/);
    });
  });

  describe('the connection', () => {
    it('is renewed without a pause, and comes back when it was cut', async () => {
      const { ready } = await place.start();
      slack.refresh();
      await slack.waitFor(() => ready() === 2 && slack.connections() >= 1);
      await slack.as('ana').dm('list');
      await dm(/No backups yet/);
      slack.drop();
      await slack.waitFor(() => ready() === 3);
      await slack.as('ana').dm('whoami');
      await dm(/Ana/);
    });

    it('is tried again while Slack is away, and ends when it is told to', async () => {
      slack.status('apps.connections.open', 503, 1);
      const { stop } = await place.start();
      await stop();
      expect(slack.connections()).toBe(0);
    });

    it('is given up when Slack refuses the token', async () => {
      slack.fail('auth.test', 'token_revoked');
      await expect(place.start()).rejects.toMatchObject({ code: 'slack_token' });
    });

    it.each(['auth.test', 'apps.connections.open'])(
      'ends when it is told to though %s never answers',
      async (method) => {
        slack.hang(method);
        const running = place.begin();
        await slack.waitFor(() => slack.faultsLeft().length === 0);
        await running.stop();
        expect(running.ready()).toBe(0);
      },
    );

    it('ends when it is told to though a message is never taken', async () => {
      const running = await place.start();
      slack.hang('chat.postMessage');
      await slack.as('ana').dm('list');
      await slack.waitFor(() => slack.faultsLeft().length === 0);
      await running.stop();
    });

    it('neither begins nor ends late where nobody listens', async () => {
      const running = place.begin({ endpoint: 'http://127.0.0.1:9' });
      await running.stop();
      expect(running.ready()).toBe(0);
    });
  });
});
