/** Mail as a surface of the stories: lines are replies, buttons are links that begin a mail, and what is seen lies in the inbox. */
import { Stopped } from '../../src/engine/errors.ts';
import { formLine } from '../../src/engine/form.ts';
import type { Form, Identity, OutboxMessage } from '../../src/engine/types.ts';
import { type MailWorld, openMailWorld, type Person, type SeenMail, type Sent } from '../servers/mail.ts';
import { lookFor } from './chat-running.ts';
import type { DriverKind, Running, Seen, Who } from './driver.ts';
import { badDayOf, STINGY } from './mail-trouble.ts';
import { holds } from './world.ts';

const isLabel = (label: string, wanted: string | RegExp): boolean =>
  typeof wanted === 'string' ? label === wanted : wanted.test(label);

/** Words as they stand on a page: a mail's lines are folded. */
const folded = (text: string): string => text.replace(/[ \t\n]+/g, ' ');

/** What can be answered has a token in its small print. */
const canBeAnswered = (mail: SeenMail): boolean => /\[#[a-z2-7]{26}\]/.test(mail.text);

/** Mail programs and servers show a mail that came twice once. */
const once = (mails: readonly SeenMail[]): SeenMail[] =>
  mails.filter(({ messageId }, n) => mails.findIndex((one) => one.messageId === messageId) === n);

/**
 * `stingy`: a service on a bad day (`mail-trouble.ts`), which delivers each mail twice; people's programs leave the thread
 * out, so that nothing but the small print says what is answered. Whoever has the world `opened` makes the troubles.
 */
export const mailKind = (profile: 'normal' | 'stingy' = 'normal', opened?: (world: MailWorld) => void): DriverKind => ({
  name: `mail${profile === 'stingy' ? ', stingy' : ''}`,
  // One correspondence, in which nothing is changed once it is said, and nobody unknown is spoken to. Mails are answered
  // late on purpose: one that was answered already is asked about, whatever happened since.
  lacks: ['channel', 'expiry', 'cards', 'closed', 'zone', 'strangers', 'menus', 'empty lines', 'stale buttons'],
  // The minutes until a second try are seconds.
  ...(profile === 'stingy' || opened ? { factor: 60 } : {}),
  async open(clock) {
    const world: MailWorld = await openMailWorld({ clock, ...(profile === 'stingy' ? STINGY : {}) });
    const badDay = profile === 'stingy' && !opened ? badDayOf(world) : undefined;
    opened?.(world);
    const people: Record<Who, Person> = {
      ana: world.ana,
      ben: world.ben,
      stranger: world.person('stranger@elsewhere.example'),
    };
    const inboxes: Record<Who, readonly SeenMail[]> = { ana: [], ben: [], stranger: [] };
    /** Every mail is answered once; a second answer to it would have to be confirmed. */
    const answered = new Set<string>();
    /** Message-IDs of everything that people sent. */
    const said: string[] = [];
    let running: Running | undefined;
    let stop = new AbortController();
    let working: Promise<void> = Promise.resolve();

    let struck = -1;
    /** After each mail that was taken something lurks for the next one; what waits for its second try meets no other trouble. */
    async function lurk(): Promise<void> {
      const taken = badDay?.taken() ?? struck;
      if (taken === struck) return;
      struck = taken;
      for await (const { state, tries } of running?.composed.services.store.find('outbox') ?? [])
        if (state === 'waiting' && tries > 0) return;
      badDay?.lurk();
    }

    const looking = setInterval(() => {
      lurk().catch(() => {});
      for (const who of Object.keys(people) as Who[]) {
        void people[who].inbox().then((mails) => {
          inboxes[who] = once(mails);
        });
      }
    }, 15);

    const identity = (who: Who): Identity => ({ surface: 'mail', id: people[who].address });
    const textOf = ({ text, subject }: SeenMail): string => folded(`${subject} ${text}`);
    const newest = (who: Who, is: (mail: SeenMail) => boolean): SeenMail | undefined => inboxes[who].findLast(is);

    /** A person's mail on its way. */
    async function post(work: () => Promise<Sent>): Promise<void> {
      await badDay?.strike();
      const sent = await work();
      said.push(sent.messageId);
      if (badDay) await world.deliverAgain(sent);
    }

    const answeredTwice = (): string[] =>
      said
        .filter(
          (id) =>
            Object.values(inboxes)
              .flat()
              .filter(({ inReplyTo }) => inReplyTo === id).length > 1,
        )
        .map((id) => `${id} was answered more than once`);

    /** A mail that was not answered yet: the newest, or the answer to a question that changes nothing. */
    async function open(who: Who): Promise<SeenMail> {
      const fresh = (mail: SeenMail): boolean => canBeAnswered(mail) && !answered.has(mail.messageId);
      const there = newest(who, fresh);
      if (there) return there;
      await post(() => people[who].send({ to: world.address, subject: 'whoami', text: 'whoami' }));
      return lookFor('an answer', () => newest(who, fresh));
    }

    async function answer(who: Who, mail: SeenMail, line: string): Promise<void> {
      answered.add(mail.messageId);
      await post(() => people[who].reply(mail, line, { withoutThread: badDay !== undefined }));
    }

    const repliesTo = async (who: Who): Promise<OutboxMessage[]> => {
      const messages: OutboxMessage[] = [];
      const store = running?.composed.services.store;
      const ids = new Set<string>();
      for await (const person of store?.find('people') ?? []) {
        if (person.identities.some(({ id }) => id === people[who].address)) ids.add(person.id);
      }
      for await (const message of store?.find('outbox') ?? []) if (ids.has(message.person)) messages.push(message);
      return messages.sort((a, b) => (a.created < b.created ? -1 : 1));
    };

    /** The form that a mail writes as a line with gaps; people fill them in. */
    async function formNamed(who: Who, button: string | RegExp): Promise<{ form: Form; title: string }> {
      for (let tries = 0; tries < 500; tries++) {
        for (const { reply } of (await repliesTo(who)).toReversed()) {
          const form = reply.blocks.find((block) => block.kind === 'form' && isLabel(block.label, button));
          if (form?.kind === 'form') return { form, title: reply.title };
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`No mail has the form ${button}.`);
    }

    return {
      name: 'mail',
      environment: world.environment(),
      identity,
      async connect(started) {
        running = started;
        stop = new AbortController();
        const { signal } = stop;
        const { composed } = started;
        const { clock, log } = composed.services;
        const ready = Promise.withResolvers<void>();
        const reading = composed.readMail(signal, () => ready.resolve());
        const { startOutbox } = await import('../../src/engine/outbox.ts');
        const delivering = startOutbox({ outbox: composed.outbox, clock, log, signal });
        working = Promise.all([reading, delivering]).then(() => undefined);
        working.catch((error: unknown) => ready.reject(error));
        await ready.promise;
      },
      async disconnect() {
        stop.abort(new Stopped('Keepsake is being stopped.'));
        await working;
      },
      async say(who, line) {
        await answer(who, await open(who), line);
      },
      async click(who, label, o = {}) {
        const mail = await lookFor(`the link ${label}`, () =>
          newest(
            who,
            (one) =>
              one.links.some((link) => isLabel(link.label, label)) &&
              (o.on === undefined || holds(textOf(one), o.on)) &&
              (o.on !== undefined || canBeAnswered(one)),
          ),
        );
        const link = mail.links.find((one) => isLabel(one.label, label));
        answered.add(mail.messageId);
        const press = () => post(() => people[who].press(mail, link?.label ?? label));
        await Promise.all(o.twice ? [press(), press()] : [press()]);
      },
      async choose(who, menu) {
        throw new Error(`${who} finds no menu "${menu}": a mail has none.`);
      },
      async fill(who, button, values) {
        const { form, title } = await formNamed(who, button);
        const mail = await lookFor(`the mail "${title}"`, () =>
          newest(who, (one) => textOf(one).includes(folded(title))),
        );
        const answers = Object.fromEntries(
          form.fields.map((field) => [field.name, values[field.label] ?? field.value ?? '']),
        );
        await answer(who, mail, formLine(form, answers) ?? '');
      },
      async restoreThis(who, on, values) {
        const mail = await lookFor(`the mail ${on}`, () => newest(who, (one) => holds(textOf(one), on)));
        await answer(who, mail, `restore ${Object.values(values).join(' ')}`);
      },
      seen: (who) =>
        inboxes[who].map(
          (mail): Seen => ({
            text: textOf(mail),
            buttons: mail.links.map(({ label }) => label),
            where: 'private',
            id: mail.messageId,
            edits: 0,
          }),
        ),
      async drop() {
        const before = world.imap.logins();
        world.imap.faults.cut();
        await lookFor('the mailbox again', () => (world.imap.logins() > before ? true : undefined));
      },
      storm: () => world.smtp.faults.busy(3),
      expire: () => undefined,
      violations: () => [...world.violations(), ...answeredTwice()],
      async close() {
        clearInterval(looking);
        await world.close();
      },
    };
  },
});
