/** The Slack on loopback: a right client (Bolt itself) gets along with it, over Socket Mode and over signed HTTP. */
import { describe, expect, it } from 'vitest';
import { bolt, button, client, form, plain, section, start } from './slack/clients.ts';

describe.each(['socket', 'http'] as const)('a right client over %s', (mode) => {
  it('is told of a command and answers it to one person, to all, and in place', async () => {
    const slack = await start({ mode });
    await bolt(slack, mode, (app) =>
      app.command('/backup', async ({ ack, respond, command }) => {
        await ack();
        await respond({ text: `You said ${command.text}.`, blocks: [section('first')] });
        await respond({ text: 'Done.', blocks: [section('done')], replace_original: true });
        await respond({ text: 'For all.', response_type: 'in_channel' });
      }),
    );
    const ana = slack.as('ana');
    const acked = await ana.slash('photos weekly', { channel: '#backups' });
    expect(acked.failed).toBeUndefined();
    expect(acked.ackMs).toBeLessThan(3_000);
    await slack.waitFor(() => slack.texts().includes('For all.'));
    expect(ana.reads('#backups').map(({ text, edits }) => [text, edits])).toEqual([
      ['Done.', 1],
      ['For all.', 0],
    ]);
    expect(
      slack
        .as('ben')
        .reads('#backups')
        .map(({ text }) => text),
    ).toEqual(['For all.']);
    expect(slack.ephemerals('ana')[0]?.versions[0]?.text).toBe('You said photos weekly.');
    expect(slack.violations).toEqual([]);
  });

  it('opens a form from a button, completes while typing, refuses an answer, and takes the next', async () => {
    const slack = await start({ mode });
    await bolt(slack, mode, (app) => {
      app.command('/backup', async ({ ack, respond }) => {
        await ack();
        await respond({ text: 'A card.', blocks: [button('Edit it', 'edit')] });
      });
      app.action('edit', async ({ ack, body, client }) => {
        await ack();
        if ('trigger_id' in body) await client.views.open({ trigger_id: body.trigger_id, view: form() });
      });
      app.options('plans', async ({ ack, payload }) => {
        await ack({ options: [{ text: plain(`${payload.value}, all`), value: 'p1' }] });
      });
      app.view('form', async ({ ack, view }) => {
        const name = view.state.values.name?.value?.value;
        if (name === 'bad') await ack({ response_action: 'errors', errors: { name: 'Not that one.' } });
        else
          await ack({
            response_action: 'update',
            view: { ...form('Saved'), private_metadata: JSON.stringify(view.state) },
          });
      });
    });
    const ana = slack.as('ana');
    await ana.slash('show');
    await ana.click(await slack.waitFor(() => slack.ephemerals('ana')[0]), 'Edit it');
    const view = await slack.waitFor(() => slack.views('ana')[0]);
    expect(await ana.submit(view)).toMatchObject({ errors: { Name: 'Please complete this required field.' } });
    expect(await ana.submit(view, { Name: 'n'.repeat(21) })).toMatchObject({
      errors: { Name: 'Please use 20 characters or fewer.' },
    });
    expect(await ana.options(view, 'Plan', 'pho')).toEqual(['pho, all']);
    expect(await ana.submit(view, { Name: 'bad', Plan: 'pho' })).toMatchObject({ errors: { Name: 'Not that one.' } });
    expect(slack.views('ana')).toHaveLength(1);
    expect((await ana.submit(view, { Name: 'good' })).errors).toBeUndefined();
    expect(view).toMatchObject({ title: 'Saved', open: true });
    expect(JSON.parse(view.privateMetadata)).toMatchObject({
      values: { plan: { plans: { selected_option: { value: 'p1' } } } },
    });
    await expect(ana.submit(view, { Nothing: 'x' })).rejects.toThrow(
      /asks for no "Nothing"; it asks for "Name", "Plan"/,
    );
    expect(slack.violations).toEqual([]);
  });

  it('hears mentions, direct messages and itself, and keeps one message up to date', async () => {
    const slack = await start({ mode });
    const heard: string[] = [];
    await bolt(slack, mode, (app) => {
      app.event('app_mention', async ({ event, client }) => {
        const posted = await client.chat.postMessage({
          channel: event.channel,
          text: 'Card.',
          blocks: [section('0 %')],
        });
        await client.chat.update({
          channel: event.channel,
          ts: String(posted.ts),
          text: 'Card, done.',
          blocks: [section('100 %')],
        });
      });
      app.message(async ({ message, client }) => {
        heard.push(`${message.subtype ?? ''} ${'text' in message ? (message.text ?? '') : ''}`);
        if (message.subtype === undefined && message.text === 'hello') {
          const posted = await client.chat.postMessage({ channel: message.channel, text: 'Hi.' });
          await client.chat.update({ channel: message.channel, ts: String(posted.ts), text: 'Hi!' });
        }
      });
    });
    await slack.as('ben').mention('#backups', 'status');
    await slack.as('ben').dm('hello');
    const card = await slack.waitFor(() => slack.messages('#backups').find(({ edits }) => edits === 1));
    expect(card).toMatchObject({ text: 'Card, done.', fromBot: true, via: 'chat.postMessage' });
    await slack.waitFor(() => heard.some((one) => one.startsWith('message_changed')));
    expect(slack.messages(slack.users.ben).map(({ text }) => text)).toEqual(['hello', 'Hi!']);
    expect(
      slack.deliveries.filter(({ payload }) => JSON.stringify(payload).includes('"bot_id"')).length,
    ).toBeGreaterThan(0);
    expect(slack.violations).toEqual([]);
  });

  it('takes shortcuts, menus and the home page', async () => {
    const slack = await start({ mode });
    await bolt(slack, mode, (app) => {
      app.event('app_home_opened', async ({ event, client }) => {
        const menu = {
          type: 'actions' as const,
          block_id: 'menu',
          elements: [
            {
              type: 'static_select' as const,
              action_id: 'pick',
              placeholder: plain('Choose a plan'),
              options: [{ text: plain('Photos'), value: 'photos' }],
            },
          ],
        };
        await client.views.publish({
          user_id: event.user,
          view: { type: 'home', blocks: [section('All safe.'), menu] },
        });
      });
      app.action('pick', async ({ ack, action, body, client }) => {
        await ack();
        const value = action.type === 'static_select' ? action.selected_option.value : '';
        await client.views.publish({
          user_id: body.user.id,
          view: { type: 'home', blocks: [section(`Chosen: ${value}`)] },
        });
      });
      app.shortcut('restore_this', async ({ ack, shortcut, client }) => {
        await ack();
        const about = shortcut.type === 'message_action' ? shortcut.message.ts : 'nothing';
        await client.views.open({
          trigger_id: shortcut.trigger_id,
          view: { ...form('Restore'), private_metadata: String(about) },
        });
      });
    });
    const ana = slack.as('ana');
    await ana.openHome();
    const home = await slack.waitFor(() => slack.home('ana'));
    await ana.choose(home, 'Choose a plan', 'Photos');
    await slack.waitFor(() => JSON.stringify(slack.home('ana')?.blocks).includes('Chosen: photos'));
    const posted = await client(slack).chat.postMessage({ channel: slack.channels.backups, text: 'Report.' });
    const report = await slack.waitFor(() => slack.messages('#backups')[0]);
    await ana.shortcut('restore_this', report);
    const view = await slack.waitFor(() => slack.views('ana')[0]);
    expect(view.privateMetadata).toBe(posted.ts);
    await ana.closeView(view);
    await ana.globalShortcut('restore_this');
    expect((await slack.waitFor(() => slack.views('ana')[0])).privateMetadata).toBe('nothing');
    expect(slack.violations).toEqual([]);
  });

  it('is answered by the methods it needs besides', async () => {
    const slack = await start({ mode });
    const web = client(slack);
    const { ana } = slack.users;
    expect(await web.auth.test()).toMatchObject({ bot_id: slack.team.botId, user_id: slack.team.botUser });
    const known = await web.users.info({ user: ana.id, include_locale: true });
    expect(known.user).toMatchObject({ name: 'ana', tz: 'Europe/Berlin', tz_offset: 3600, locale: 'de-DE' });
    expect((await web.users.info({ user: ana.id })).user?.locale).toBeUndefined();
    const opened = await web.conversations.open({ users: ana.id });
    const channel = String(opened.channel?.id);
    const metadata = { event_type: 'keepsake', event_payload: { key: 'k1' } };
    const { ts } = await web.chat.postMessage({ channel, text: 'Found again.', metadata });
    const history = await web.conversations.history({ channel, include_all_metadata: true });
    expect(history.messages?.map((one) => [one.ts, one.metadata?.event_payload])).toEqual([[ts, { key: 'k1' }]]);
    const { permalink } = await web.chat.getPermalink({ channel, message_ts: String(ts) });
    expect(permalink).toBe(`${slack.url}/archives/${channel}/p${ts?.replace('.', '')}`);
    await web.filesUploadV2({
      channel_id: channel,
      thread_ts: String(ts),
      file: Buffer.from('PNG'),
      filename: 'sheet.png',
      alt_text: 'Nine photos',
    });
    expect(slack.uploads).toMatchObject([{ name: 'sheet.png', alt: 'Nine photos', conversation: channel }]);
    expect(slack.uploads[0]?.bytes.toString()).toBe('PNG');
    expect(slack.messages(ana).at(-1)).toMatchObject({ thread: ts, files: [{ name: 'sheet.png' }] });
    await web.chat.postEphemeral({ channel: slack.channels.backups, user: ana.id, text: 'Only you.' });
    expect(slack.as('ben').reads('#backups')).toEqual([]);
    await web.chat.delete({ channel, ts: String(ts) });
    expect(slack.messages(ana).map(({ text }) => text)).not.toContain('Found again.');
    expect(slack.violations).toEqual([]);
  });
});
