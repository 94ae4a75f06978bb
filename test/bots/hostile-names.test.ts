/**
 * Names that were chosen to be read as something else, through whole replies: what a button carries comes back from Slack
 * and Discord as it was, and is read as a wish about that very backup and that very file.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ControlIds } from '../../src/bots/chat-render.ts';
import { discordControls, discordPressed, keepControls, renderDiscord } from '../../src/bots/discord-render.ts';
import { renderSlack, slackControls, slackPressed } from '../../src/bots/slack-render.ts';
import { createDispatch, vocabularyOf } from '../../src/engine/commands/dispatch.ts';
import { restoreForm } from '../../src/engine/commands/forms.ts';
import { sayable } from '../../src/engine/commands/grammar/words.ts';
import { parse } from '../../src/engine/commands/grammar.ts';
import { formLine } from '../../src/engine/form.ts';
import type { Control } from '../../src/engine/services.ts';
import type { Caller, Plan, Reply } from '../../src/engine/types.ts';
import { all, openWorld, type World } from '../commands/world.ts';

const NAMES = [
  '"; run x',
  'yes 12345678',
  'no',
  'forget me',
  'forget person Ana',
  'delete everything',
  "it's mine",
  'a "quoted" name',
  'back\\slash\\',
  '\\"',
  'to',
  'run now',
  'photos to usb weekly',
  '@everyone <!channel> <@U1> <#C1>',
  '&lt;b&gt; & <b>',
  '**bold** `code` ||spoiler||',
  '-- yes',
  '`',
  '$(reboot)',
  '%s %n',
  '„deutsch“ «français»',
  'שלום',
  '🙂'.repeat(30),
  `${'a'.repeat(88)}🙂🙂🙂`,
  `${'x'.repeat(95)}é`,
  'e\u0301',
  'l:run',
  'c:0123',
  'm:0',
  '{"line":"forget me"}',
  'a, b and c',
  'a;b',
  'x=y',
  '/backup',
  'C:\\Users',
  '*.jpg',
  '~',
  'a\u00a0b',
  'a  b',
];
/** No line can say these, so they must not be said wrongly; a backup that is taken over gets another name. */
const UNSPEAKABLE = ['\u202egpj.exe', 'two\nlines', 'nul\0', 'tab\there', '\ud83d', ' spaces '];

let world: World;
let caller: Caller;

beforeAll(async () => {
  world = await openWorld({ localRoots: ['/'] });
  caller = world.caller(await world.person('Ana', 'owner'));
  await writeFile(join(world.folder, 'a.txt'), 'a');
});
afterAll(() => world.close());

async function planNamed(name: string): Promise<Plan> {
  const [first] = await all(world.store.find('plans'));
  if (first === undefined) {
    const line = `backup ${world.folder} to ${world.folder}-copy manually named first`;
    await all(take(createDispatch(world.services)(line, { ...caller, surface: 'slack' }), 1));
    return planNamed(name);
  }
  const { rev: _, ...plan } = first;
  await world.store.putMany('plans', [{ ...plan, name }]);
  return { ...plan, name };
}

/** What comes back when each button and each option of both services is pressed. */
async function pressed(reply: Reply): Promise<(Control | undefined)[]> {
  const kept = new Map<string, Control>();
  const keep = async (control: Control): Promise<string> => {
    const id = `k${kept.size}`;
    kept.set(id, control);
    return id;
  };
  const found: (Control | undefined)[] = [];
  const take = (what: ReturnType<typeof slackPressed>): void => {
    if (what) found.push('id' in what ? kept.get(what.id) : what.control);
  };
  const walk = (part: unknown, visit: (part: Record<string, unknown>) => void): void => {
    if (typeof part !== 'object' || part === null) return;
    if (!Array.isArray(part)) visit(part as Record<string, unknown>);
    for (const inner of Object.values(part)) walk(inner, visit);
  };
  const slack: ControlIds = await keepControls(slackControls(reply), keep);
  // As they travel: as JSON.
  walk(JSON.parse(JSON.stringify(renderSlack(reply, slack).blocks)), (part) => {
    if (part.type === 'button') take(slackPressed(part));
    for (const selected_option of part.type === 'static_select' ? (part.options as { value: string }[]) : [])
      take(slackPressed({ action_id: String(part.action_id), selected_option }));
  });
  const discord: ControlIds = await keepControls(discordControls(reply), keep);
  walk(JSON.parse(JSON.stringify(renderDiscord(reply, discord).components)), (part) => {
    if (part.type === 2 && typeof part.custom_id === 'string') {
      expect(part.custom_id.length).toBeLessThanOrEqual(100);
      take(discordPressed(part.custom_id));
    }
    for (const { value } of part.type === 3 ? (part.options as { value: string }[]) : [])
      take(discordPressed(String(part.custom_id), [value]));
  });
  return found;
}

const linesIn = (reply: Reply): string[] =>
  reply.blocks.flatMap((block) => (block.kind === 'choices' ? block.choices.map(({ line }) => line) : []));

const SAID = [
  'show',
  'pause',
  'resume',
  'snapshots',
  'history',
  'run',
  'delete',
  'verify',
  'edit',
  'share',
  'status',
  'list',
];

describe.each([...NAMES, ...UNSPEAKABLE].map((name) => [JSON.stringify(name).slice(0, 40), name]))('%s', (_, name) => {
  it('every button is about that backup and does what it says', async () => {
    const plan = await planNamed(name);
    const about = { plan: plan.id };
    const dispatch = createDispatch(world.services);
    const heard: string[] = [];
    for (const line of SAID) {
      const from = { ...caller, surface: 'slack', about, conversation: 'slack:T1/C1' };
      for (const reply of await all(take(dispatch(line, from), 1))) {
        const expected = linesIn(reply).toSorted();
        const back = await pressed(reply);
        expect(back).not.toContain(undefined);
        const lines = back.flatMap((control) => control?.line ?? []);
        expect([...new Set(lines)].toSorted()).toEqual([...new Set(expected)]);
        heard.push(...expected);
      }
      await world.store.putMany('plans', [plan]);
    }
    const vocabulary = await vocabularyOf(world.services, caller);
    expect(heard.length).toBeGreaterThan(5);
    for (const line of new Set(heard)) {
      if (/^(yes|no) [0-9a-f]{8}$/.test(line)) continue;
      const parsed = parse(line, vocabulary);
      if (UNSPEAKABLE.includes(name) && parsed.outcome !== 'command') continue;
      expect(parsed, line).toMatchObject({ outcome: 'command' });
      if (parsed.outcome !== 'command') continue;
      const { name: command, args } = parsed.command;
      expect(line.split(' ')[0]?.replace('backup', 'create'), line).toBe(command);
      if ('plan' in args && args.plan !== undefined) expect(args.plan, line).toBe(name);
    }
  });

  it('a file of that name is restored by its name', async () => {
    const plan = await planNamed('Pictures');
    const line = formLine(restoreForm(plan), { files: [name], existing: 'skip' });
    const parsed = parse(line ?? '', await vocabularyOf(world.services, caller));
    if (UNSPEAKABLE.includes(name) && parsed.outcome !== 'command') return;
    expect(parsed, line).toMatchObject({
      outcome: 'command',
      command: { name: 'restore', args: { plan: 'Pictures' } },
    });
  });
});

async function* take<T>(items: AsyncIterable<T>, most: number): AsyncIterable<T> {
  let count = 0;
  for await (const item of items) {
    yield item;
    if (++count === most) return;
  }
}

it.each([...NAMES, ...UNSPEAKABLE])(
  'a backup that is taken over with the name %j gets one that can be said',
  async (name) => {
    await planNamed(sayable(name));
    const vocabulary = await vocabularyOf(world.services, caller);
    const parsed = parse(`show "${sayable(name).replaceAll('"', '""')}"`, vocabulary);
    expect(parsed).toMatchObject({ outcome: 'command', command: { args: { plan: sayable(name) } } });
  },
);
