/** The terminal as a surface of the stories: lines are typed, buttons are lines, and what is seen is what the renderer draws. */
import { renderConsole } from '../../src/bots/console-render.ts';
import { Stopped } from '../../src/engine/errors.ts';
import { formLine } from '../../src/engine/form.ts';
import { callerPerson } from '../../src/engine/people.ts';
import type { Choice, Form, Identity, Reply } from '../../src/engine/types.ts';
import type { DriverKind, Running, Seen, Who } from './driver.ts';
import { holds } from './world.ts';

interface Shown {
  reply: Reply;
  id: string;
  edits: number;
}

const choicesOf = (reply: Reply): Choice[] =>
  reply.blocks.flatMap((block) => (block.kind === 'choices' ? block.choices : []));
const formsOf = (reply: Reply): Form[] => reply.blocks.filter((block) => block.kind === 'form');

export const consoleKind: DriverKind = {
  name: 'console',
  // One person sits at a terminal, in their own zone; reports are printed by the server.
  lacks: ['channel', 'connection', 'expiry', 'cards', 'closed', 'reports', 'zone'],
  async open() {
    const shown: Record<Who, Shown[]> = { ana: [], ben: [], stranger: [] };
    let running: Running | undefined;
    let stop = new AbortController();
    const talking = new Set<Promise<void>>();
    let count = 0;

    const identity = (who: Who): Identity => ({ surface: 'terminal', id: who });
    const look = () => ({ colour: false, width: 200, zone: 'Europe/Berlin', now: running?.clock.now() ?? new Date(0) });

    function draw(who: Who, reply: Reply): void {
      const screen = shown[who];
      const before = reply.live === undefined ? undefined : screen.findLast((one) => one.reply.live === reply.live);
      if (before) {
        before.reply = reply;
        before.edits++;
      } else screen.push({ reply, id: String(++count), edits: 0 });
    }

    async function work(who: Who, line: string): Promise<void> {
      if (!running) throw new Error('Keepsake is not running.');
      const { composed, clock } = running;
      const person = await callerPerson(composed.services.store, identity(who), { clock, name: who });
      const caller = { person, surface: 'terminal', zone: person.zone ?? 'Europe/Berlin', signal: stop.signal };
      for await (const reply of composed.dispatch(line, caller)) draw(who, reply);
    }

    function say(who: Who, line: string): void {
      const done = work(who, line).finally(() => talking.delete(done));
      talking.add(done);
      // A restart cuts off what is typed, as Ctrl-C does.
      done.catch((error: unknown) => {
        if (!stop.signal.aborted) throw error;
      });
    }

    /** What is in the newest message with such a thing in it; waits for it. */
    async function newest<T>(
      who: Who,
      find: (reply: Reply) => T | undefined,
      on: string | RegExp | undefined,
    ): Promise<T> {
      for (let tries = 0; tries < 500; tries++) {
        for (const { reply } of shown[who].toReversed()) {
          const found = find(reply);
          if (found !== undefined && (on === undefined || holds(renderConsole(reply, look()), on))) return found;
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`${who} sees no such button.`);
    }
    const form = (who: Who, label: string | RegExp): Promise<Form> =>
      newest(who, (reply) => formsOf(reply).find((one) => holds(one.label, label)), undefined);

    function send(who: Who, filled: Form, values: Record<string, string>): void {
      const unknown = Object.keys(values).filter((label) => !filled.fields.some((field) => field.label === label));
      if (unknown.length > 0) throw new Error(`The form ${filled.title} has no field ${unknown.join(', ')}.`);
      const answers = filled.fields.map((field) => [field.name, values[field.label] ?? field.value] as const);
      const line = formLine(filled, Object.fromEntries(answers));
      if (line !== undefined) say(who, line);
    }

    return {
      name: 'console',
      environment: {},
      identity,
      async connect(now) {
        running = now;
        stop = new AbortController();
      },
      async disconnect() {
        stop.abort(new Stopped('Stopped.'));
        await Promise.allSettled(talking);
      },
      async say(who, line) {
        say(who, line);
      },
      async click(who, label, o = {}) {
        const choice = await newest(who, (reply) => choicesOf(reply).find((one) => holds(one.label, label)), o.on);
        say(who, choice.line);
        if (o.twice) say(who, choice.line);
      },
      async choose(who, menu, option) {
        const choice = await newest(
          who,
          (reply) =>
            reply.blocks
              .flatMap((block) => (block.kind === 'choices' && block.menu === menu ? block.choices : []))
              .find((one) => holds(one.label, option)),
          undefined,
        );
        say(who, choice.line);
      },
      async fill(who, button, values) {
        send(who, await form(who, button), values);
      },
      async restoreThis(who, _on, values) {
        if (!running) throw new Error('Keepsake is not running.');
        const words = Object.values(values).filter(Boolean);
        say(who, ['restore', ...words].join(' '));
      },
      seen: (who) =>
        shown[who].map(
          ({ reply, id, edits }): Seen => ({
            text: renderConsole(reply, look()).replace(/\n\s*→[^\n]*/g, ''),
            buttons: [...choicesOf(reply), ...formsOf(reply)].map(({ label }) => label),
            where: 'private',
            id,
            edits,
          }),
        ),
      drop: async () => undefined,
      storm: () => undefined,
      expire: () => undefined,
      violations: () => [],
      close: async () => undefined,
    };
  },
};
