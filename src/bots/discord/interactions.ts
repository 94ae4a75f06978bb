/** Commands, buttons, menus, forms and completions of Discord: acknowledged at once, then carried to the chat as lines. */
import { isKeepsakeError } from '../../engine/errors.ts';
import { formLine } from '../../engine/form.ts';
import type { Control, SurfaceServices } from '../../engine/services.ts';
import type { Form, Reply } from '../../engine/types.ts';
import type { Chat, ChatScreen, Place, Said, Speaker } from '../chat/chat.ts';
import { discordModalAnswers, discordPressed, renderDiscordModal } from '../discord-render.ts';
import { createAnswers } from './answers.ts';
import { commandLine, wantedOf } from './command-lines.ts';
import type { Connection } from './connection.ts';
import { escaped } from './json-render.ts';
import {
  ANSWER,
  answered,
  COMPONENTS_V2,
  type Component,
  EPHEMERAL,
  filledIn,
  INTERACTION,
  type Interaction,
  MESSAGE_COMMAND,
  type Message,
  placeOf,
  pressedLabel,
  referenceOf,
  seenAt,
  speakerOf,
} from './payloads.ts';

/** A form must be Discord's first answer, within three seconds; the way there and back takes its part. */
const FORM_WITHIN = 2_000;
/** Discord shows suggestions that come within three seconds. */
const SUGGEST_WITHIN = 2_500;
const MOST_CHOICES = 25;
const LONGEST_CHOICE = 100;

/** An answer to a confirmation, as its buttons say it. */
const ANSWERS_A_QUESTION = /^(yes|no)\b/i;

const note = (title: string, text: string, more: Reply['blocks'] = []): Reply => ({
  tone: 'plain',
  title,
  blocks: [{ kind: 'text', text }, ...more],
  onlyForCaller: true,
});

const outdated = (): Reply =>
  note('That button is too old for me.', 'I no longer know what it was about; nothing was done.', [
    { kind: 'choices', choices: [{ label: 'My backups', line: 'list' }] },
  ]);

const aboutNothing = (): Reply =>
  note('That message is not about a backup.', 'Use "Restore this" on a card or a report of mine, or choose a backup.', [
    { kind: 'choices', choices: [{ label: 'My backups', line: 'list' }] },
  ]);

const unchanged = (): Reply => note('Nothing was changed.', 'All answers are as they were before.');

const opened = (form: Form, about: Control['about']): Reply => ({
  ...note('Here it is.', 'That took me too long to open it by itself.', [form]),
  ...(about === undefined ? {} : { about }),
});

const amiss = (error: unknown, form: Form): Reply => ({
  tone: 'bad',
  title: error instanceof Error ? error.message : 'That could not be read.',
  blocks: [...(isKeepsakeError(error) ? [{ kind: 'text' as const, text: error.advice }] : []), form],
  onlyForCaller: true,
  outcome: 'not_understood',
});

const unwell = (): Reply => ({
  ...note(
    'I could not do that: something is wrong on my side.',
    'Nothing was changed. Please try it again in a minute.',
  ),
  tone: 'bad',
  outcome: 'failed',
});

interface Event {
  interaction: Interaction;
  by: Speaker;
  where: Place;
}

/** What a form is opened with: the form, and the id under which it is kept until it is filled in. */
interface Opening {
  id: string;
  control: Control & { form: Form };
}

const hasForm = (control: Control): control is Control & { form: Form } => control.form !== undefined;

const fieldsIn = (components: readonly Component[]): [string, Component][] =>
  components.flatMap((component): [string, Component][] => [
    ...(component.custom_id === undefined ? [] : [[component.custom_id, component] as [string, Component]]),
    ...fieldsIn([...(component.components ?? []), ...(component.component ? [component.component] : [])]),
  ]);

export function createInteractions(o: {
  connection: Pick<Connection, 'call'>;
  screen: ChatScreen;
  chat: Chat;
  services: SurfaceServices;
  signal: AbortSignal;
}): (interaction: Interaction) => Promise<void> {
  const { chat, services, signal } = o;
  const { controls, log } = services;
  const answers = createAnswers(o);

  /** The value if it comes in time; the rest of the work goes on. In real time: Discord's three seconds are. */
  async function within<T>(ms: number, work: Promise<T>): Promise<{ value: T } | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), ms);
    return Promise.race([work.then((value) => ({ value })), late.promise]).finally(() => clearTimeout(timer));
  }

  const saidOf = ({ interaction, by, where }: Event): Omit<Said, 'line'> => ({ key: interaction.id, by, where });

  /** Acknowledges, and shows what `work` comes to. */
  async function thinking(event: Event, work: (show: ReturnType<typeof answers.answering>) => Promise<void>) {
    const ack = await answers.think(event.interaction, event.where);
    if (ack === 'repeated') return;
    await work(answers.answering(event.interaction, event.by.id, event.where, ack));
  }

  const tell = (event: Event, reply: Reply): Promise<void> =>
    thinking(event, async (answering) => {
      await answering.show(reply);
    });

  /**
   * Opens the form as the first answer. One that is found too late for that is shown as a button: Discord takes no form
   * after another answer.
   */
  async function open(
    event: Event,
    finding: Promise<Opening | undefined>,
    otherwise: (answering?: ReturnType<typeof answers.answering>) => Promise<void>,
  ): Promise<void> {
    const found = await within(FORM_WITHIN, finding);
    if (found === undefined) {
      return thinking(event, async (answering) => {
        const opening = await finding;
        if (!opening) return otherwise(answering);
        await answering.show(opened(opening.control.form, opening.control.about));
      });
    }
    if (found.value === undefined) return otherwise();
    const { id, control } = found.value;
    const ack = await answers.acknowledge(event.interaction, ANSWER.modal, {
      ...renderDiscordModal(control.form, `c:${id}`),
    });
    // Too late for a form is too late for its button as well; the person presses again.
    if (ack === 'late') log('info', 'discord.form_not_opened', { interaction: event.interaction.id });
  }

  async function restoreThis(event: Event): Promise<void> {
    const { interaction, where } = event;
    const target = interaction.data?.target_id ?? '';
    const looking = (async () => {
      const about = await chat.about(referenceOf(where.conversation, target));
      const form = about && (await chat.form('restore', { ...saidOf(event), about }));
      if (!form) return { about };
      const control = { form, about };
      return { about, opening: { id: await controls.keep(control), control } };
    })();
    await open(
      event,
      looking.then(({ opening }) => opening),
      async (answering) => {
        const { about } = await looking;
        const work = async (shown: ReturnType<typeof answers.answering>): Promise<void> => {
          if (about) await chat.say({ ...saidOf(event), line: 'restore', about }, shown);
          else await shown.show(aboutNothing());
        };
        await (answering ? work(answering) : thinking(event, work));
      },
    );
  }

  /**
   * A pressed line. The buttons of a question go with its answer, in the same response: a second click finds none. Other
   * buttons stay, because two clicks have two ids and no span of time tells a slip from a wish: a command that is said
   * twice answers that it is running, paused or gone already.
   */
  async function sayPressed(event: Event, message: Message, control: Control): Promise<void> {
    const { interaction, where } = event;
    const line = control.line ?? '';
    const { custom_id = '', values } = interaction.data ?? {};
    const ours = where.alone || ((message.flags ?? 0) & EPHEMERAL) !== 0;
    // Before others the buttons stay: whoever presses may not be allowed to answer.
    const question = ours && ANSWERS_A_QUESTION.test(line);
    const chosen = pressedLabel(message.components ?? [], custom_id, values?.[0]) ?? line;
    const ack = question
      ? await answers.acknowledge(interaction, ANSWER.update, {
          flags: COMPONENTS_V2,
          components: answered(message.components ?? [], `-# You chose: ${escaped(chosen)}`),
          attachments: [],
          allowed_mentions: { parse: [] },
        })
      : await answers.think(interaction, where);
    if (ack === 'repeated') return;
    const about = control.about ?? (await chat.about(referenceOf(where.conversation, message.id)));
    const pressed = seenAt(message);
    await chat.say(
      {
        ...saidOf(event),
        line,
        ...(about === undefined ? {} : { about }),
        ...(pressed === undefined ? {} : { pressed }),
      },
      answers.answering(interaction, event.by.id, where, ack),
    );
  }

  async function pressed(event: Event): Promise<void> {
    const { data, message } = event.interaction;
    const what = discordPressed(data?.custom_id ?? '', data?.values);
    if (what === undefined || message === undefined) return tell(event, outdated());
    if ('control' in what) return sayPressed(event, message, what.control);
    const finding = controls.find(what.id);
    const opening = finding.then((control) => (control && hasForm(control) ? { id: what.id, control } : undefined));
    await open(event, opening, async (answering) => {
      const control = await finding;
      if (control?.line !== undefined && !answering) return sayPressed(event, message, control);
      const work = async (shown: ReturnType<typeof answers.answering>): Promise<void> => {
        if (control?.line === undefined) await shown.show(outdated());
        else
          await chat.say(
            { ...saidOf(event), line: control.line, ...(control.about ? { about: control.about } : {}) },
            shown,
          );
      };
      await (answering ? work(answering) : thinking(event, work));
    });
  }

  const filled = (event: Event): Promise<void> =>
    thinking(event, async (answering) => {
      const { data, message } = event.interaction;
      const what = discordPressed(data?.custom_id ?? '');
      const control = what && 'id' in what ? await controls.find(what.id) : undefined;
      if (control?.form === undefined) {
        await answering.show(outdated());
        return;
      }
      let line: string | undefined;
      try {
        line = formLine(
          control.form,
          discordModalAnswers(Object.fromEntries(fieldsIn(data?.components ?? [])), control.form),
        );
      } catch (error) {
        if (!isKeepsakeError(error)) throw error;
        await answering.show(amiss(error, control.form));
        return;
      }
      if (line === undefined) {
        await answering.show(unchanged());
        return;
      }
      const seen = message && seenAt(message);
      const { about } = control;
      await chat.say(
        {
          ...saidOf(event),
          line,
          ...(about === undefined ? {} : { about }),
          ...(seen === undefined ? {} : { pressed: seen }),
        },
        answering,
      );
    });

  /** Advisory: whatever is typed may be sent, so that nothing is better than too late. */
  async function complete({ interaction, by }: Event): Promise<void> {
    const { name, options } = filledIn(interaction);
    const wanted = wantedOf(name, options);
    const suggesting = wanted
      ? chat.suggest(wanted, by).catch((error: unknown) => {
          log('warn', 'discord.no_suggestions', { error });
          return [];
        })
      : Promise.resolve([]);
    const found = (await within(SUGGEST_WITHIN, suggesting))?.value ?? [];
    const choices = found
      .filter(({ value }) => value !== '' && value.length <= LONGEST_CHOICE)
      .slice(0, MOST_CHOICES)
      .map(({ label, value }) => ({ name: shortened(label || value), value }));
    await answers.acknowledge(interaction, ANSWER.choices, { choices });
  }

  async function take(interaction: Interaction): Promise<void> {
    const by = speakerOf(interaction);
    if (by === undefined) return;
    const event: Event = { interaction, by, where: placeOf(interaction) };
    switch (interaction.type) {
      case INTERACTION.autocomplete:
        return complete(event);
      case INTERACTION.command: {
        if (interaction.data?.type === MESSAGE_COMMAND) return restoreThis(event);
        const { name, options } = filledIn(interaction);
        const line = commandLine(name, options);
        return thinking(event, (answering) => chat.say({ ...saidOf(event), line }, answering));
      }
      case INTERACTION.component:
        return pressed(event);
      case INTERACTION.modal:
        return filled(event);
    }
  }

  /** Where nothing was answered yet; else Discord refuses it, and there is something to read already. */
  async function apologize(interaction: Interaction): Promise<void> {
    const by = speakerOf(interaction);
    if (by === undefined || interaction.type === INTERACTION.autocomplete) return;
    try {
      await tell({ interaction, by, where: placeOf(interaction) }, unwell());
    } catch (error) {
      if (!signal.aborted) log('warn', 'discord.silent', { interaction: interaction.id, error });
    }
  }

  return async (interaction) => {
    try {
      await take(interaction);
    } catch (error) {
      if (signal.aborted) return;
      log('error', 'discord.interaction_failed', { interaction: interaction.id, type: interaction.type, error });
      await apologize(interaction);
    }
  };
}

function shortened(label: string): string {
  const text = label.toWellFormed();
  return text.length <= LONGEST_CHOICE ? text : `${text.slice(0, LONGEST_CHOICE - 1).toWellFormed()}…`;
}
