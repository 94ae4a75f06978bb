/** Questions of services to the owner of an account ("Apple sent a code"): asked where the owner is, waited for, answered once. */
import { randomBytes } from 'node:crypto';
import { connectLine } from './accounts.ts';
import { AuthRequired, Conflict, UsageError } from './errors.ts';
import { pendingId } from './people.ts';
import type { Outbox, Sealer } from './services.ts';
import type { Store } from './store/store.ts';
import type { Account, Clock, Instant, Pending, Person, Question, Reply } from './types.ts';

const LOOK_EVERY = 1_000;
/** Its buttons stay on the screen; so long they are told what became of the question. */
const REMEMBERED = 24 * 60 * 60_000;

/** A question that somebody can answer, or what became of it. */
export interface Asked {
  /** As said in the line: `q` and six hex digits. No secret: only the account's owner may answer. */
  id: string;
  text: string;
  /** The account's id and name. */
  account: string;
  accountName: string;
  until: Instant;
  state: 'open' | 'answered' | 'not_now' | 'over';
}

type Kept = Asked & {
  /** Sealed; gone from the store as soon as the one who asked has read it. */
  answer?: string;
};

const keptOf = (pending: Pending): Kept => pending.payload as unknown as Kept;
const purposeOf = (id: string): string => `question/${id}/answer`;

/** Questions of this person's accounts that can be answered now, the newest first. */
export async function openQuestions(store: Store, clock: Pick<Clock, 'now'>, person: Person): Promise<Asked[]> {
  const now = clock.now().toISOString();
  const found: Asked[] = [];
  for await (const pending of store.find('pending', { index: 'person', equals: [person.id] })) {
    if (pending.kind !== 'question') continue;
    const { answer: _, ...asked } = keptOf(pending);
    if (asked.state === 'open' && asked.until > now) found.push(asked);
  }
  return found.sort((a, b) => (a.until < b.until ? 1 : -1));
}

/** The question of that id that this person may answer (theirs, or any for an owner of this Keepsake). */
async function pendingFor(store: Store, person: Person, id: string): Promise<Pending | undefined> {
  const pending = await store.get('pending', pendingId(id));
  if (pending?.kind !== 'question') return undefined;
  return pending.person === person.id || person.role === 'owner' ? pending : undefined;
}

const NOTHING_ASKED = {
  code: 'nothing_asked',
  advice: 'When a service wants a code, Keepsake asks you for it. To sign in by yourself, see `accounts`.',
  choices: [{ label: 'My accounts', line: 'accounts' }],
};

async function openFor(
  { store, clock }: { store: Store; clock: Pick<Clock, 'now'> },
  person: Person,
  id: string | undefined,
): Promise<Pending> {
  const open = id === undefined ? await openQuestions(store, clock, person) : [];
  if (open.length > 1) {
    throw new UsageError('Several questions wait for your answer, so it was not used.', {
      code: 'which_question',
      advice: `Say which: ${open.map((asked) => `answer ${asked.id} … (${asked.accountName})`).join(', ')}`,
    });
  }
  const wanted = id ?? open[0]?.id;
  const pending = wanted === undefined ? undefined : await pendingFor(store, person, wanted);
  if (!pending) throw new UsageError('There is no question open, so nothing was done.', NOTHING_ASKED);
  const { state, until, accountName } = keptOf(pending);
  if (state === 'answered' || state === 'not_now') {
    throw new UsageError('This question was already answered, so nothing was done now.', NOTHING_ASKED);
  }
  if (state === 'over' || until <= clock.now().toISOString()) {
    throw new UsageError(`That came too late: nobody waits for an answer about ${accountName} any more.`, {
      ...NOTHING_ASKED,
      code: 'too_late',
      advice: 'Run the backup again, or sign in again; then it asks anew.',
    });
  }
  return pending;
}

/**
 * Hands an answer to the one who waits for it, in whatever process that is. Throws `UsageError` when nothing is asked, it
 * is too late, or several questions are open and none is named. A code that is not right is asked for again by the service.
 */
export async function answerQuestion(
  o: { store: Store; clock: Pick<Clock, 'now'>; sealer: Sealer },
  person: Person,
  id: string | undefined,
  said: { code: string } | 'not now',
): Promise<Asked> {
  const pending = await openFor(o, person, id);
  const { answer: _, ...asked } = keptOf(pending);
  const payload: Kept =
    said === 'not now'
      ? { ...asked, state: 'not_now' }
      : { ...asked, state: 'answered', answer: o.sealer.seal(said.code, purposeOf(asked.id)) };
  try {
    await o.store.put('pending', { ...pending, payload: { ...payload } });
  } catch (cause) {
    if (!(cause instanceof Conflict)) throw cause;
    throw new UsageError('This question was just answered.', { ...NOTHING_ASKED, cause });
  }
  return asked;
}

function questionReply(asked: Asked, codesInChat: boolean): Reply {
  const line = `answer ${asked.id}`;
  return {
    tone: 'plain',
    title: asked.text,
    blocks: [
      {
        kind: 'fields',
        fields: [
          { label: 'For the account', value: asked.accountName },
          { label: 'Valid until', value: { at: asked.until } },
        ],
      },
      ...(codesInChat
        ? []
        : [
            {
              kind: 'text' as const,
              text: `Codes are not typed into chats here. At the computer that Keepsake runs on, say \`${line}\` and the code.`,
            },
          ]),
      ...(codesInChat
        ? [
            {
              kind: 'form' as const,
              label: 'Enter code',
              title: 'Enter code',
              line,
              fields: [{ name: 'code', label: 'Code', help: asked.text, required: true as const }],
            },
          ]
        : []),
      { kind: 'choices', choices: [{ label: 'Not now', line: `${line} not now` }] },
    ],
    onlyForCaller: true,
  };
}

export interface QuestionsOptions {
  store: Store;
  clock: Clock;
  sealer: Sealer;
  outbox: Pick<Outbox, 'message'>;
  /** The operator allowed one-time codes to be typed in chat. */
  codesInChat: boolean;
  /** Where a person is asked. */
  surfacesOf(person: Person): readonly string[];
}

/** What `createPlaces` takes as `ask`. */
export function createQuestions(o: QuestionsOptions): { ask(question: Question, account: Account): Promise<string> } {
  const { store, clock } = o;

  /** Changes the state unless somebody was faster; answers what is stored then. */
  const close = async (id: string, state: Asked['state']): Promise<Kept | undefined> => {
    for (;;) {
      const pending = await store.get('pending', id);
      if (!pending) return undefined;
      const kept = keptOf(pending);
      const { answer: _, ...asked } = kept;
      try {
        await store.put('pending', {
          ...pending,
          payload: { ...asked, state: asked.state === 'open' ? state : asked.state },
        });
        return kept;
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
  };

  const unanswered = (why: string, account: Account): AuthRequired =>
    new AuthRequired(`${why}, so ${account.name} could not be signed in to.`, {
      code: 'unanswered',
      advice: `When you are ready, type: ${connectLine(account)}`,
      choices: [{ label: `Sign in to ${account.name}`, line: connectLine(account) }],
    });

  return {
    /**
     * Asks the account's owner and answers what they said, letters and digits. `AuthRequired` when they said "not now" or
     * nothing within `question.within` ms.
     */
    async ask(question, account) {
      const owner = await store.get('people', account.owner);
      if (!owner) throw unanswered(`${question.text} Its owner is no longer known`, account);
      const now = clock.now().getTime();
      const until = new Date(now + question.within).toISOString();
      const asked: Asked = {
        id: `q${randomBytes(3).toString('hex')}`,
        text: question.text,
        account: account.id,
        accountName: account.name,
        until,
        state: 'open',
      };
      const id = pendingId(asked.id);
      const reply = questionReply(asked, o.codesInChat);
      await store.commit([
        {
          table: 'pending',
          put: {
            id,
            kind: 'question',
            person: owner.id,
            payload: { ...asked },
            expires: new Date(now + question.within + REMEMBERED).toISOString(),
          },
        },
        ...o.surfacesOf(owner).map((surface) => ({
          table: 'outbox' as const,
          put: o.outbox.message(owner, surface, `question/${asked.id}/${surface}`, reply),
        })),
      ]);
      for (;;) {
        const pending = await store.get('pending', id);
        const over = clock.now().toISOString() >= until;
        if (!pending || over || keptOf(pending).state !== 'open') break;
        await clock.sleep(LOOK_EVERY);
      }
      const kept = await close(id, 'over');
      if (kept?.answer !== undefined) return o.sealer.unseal(kept.answer, purposeOf(asked.id));
      throw unanswered(
        `${question.text} ${kept?.state === 'not_now' ? 'You said not now' : 'Nobody answered in time'}`,
        account,
      );
    },
  };
}
