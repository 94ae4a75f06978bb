/**
 * A line from any surface -> replies: answered once per event, read by the grammar, allowed or refused, confirmed where it
 * matters, written into the audit trail, and every failure told in words.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Conflict, isKeepsakeError, NotAllowed } from '../errors.ts';
import { hasOwner, isStranger, knownAs, mayAct } from '../people.ts';
import type { Services } from '../services.ts';
import type { AuditLine, Caller, Instant, Person, Plan, Reply, Seen } from '../types.ts';
import { auditLine, holdsSecret } from './audit-line.ts';
import type { Command, CommandName, Parsed, ParsedCommand, Vocabulary } from './command.ts';
import { answerOf, askToConfirm, settle } from './confirm.ts';
import { bugReply, failureReply } from './failure.ts';
import { lineForm } from './forms.ts';
import { MAX_LINE } from './grammar/words.ts';
import { parse } from './grammar.ts';
import { COMMANDS } from './index.ts';
import { accountsOf } from './locate.ts';
import { foreignAbout, goneAbout, goneReply, staleReply } from './moved-on.ts';
import { planOf, visiblePlans } from './plan-of.ts';
import { isProved, unproved, withDoubt } from './proof.ts';
import { choices, plain, text } from './reply.ts';
import { strayCode } from './stray-code.ts';
import { lastChange } from './take-back.ts';
import { trailOf } from './who-did.ts';

export type Dispatch = (line: string, caller: Caller) => AsyncIterable<Reply>;

/** What somebody unknown may say; everything else could tell or change something that is not theirs. */
const FOR_STRANGERS: readonly CommandName[] = ['claim', 'help', 'whoami', 'join', 'link'];

/** One entry for the audit trail, filled in while the line is worked on. */
interface Trail {
  /** When it was said; what takes hours (a run that is watched) was done by then all the same. */
  at: Instant;
  command?: CommandName;
  outcome: AuditLine['outcome'];
  detail?: string;
  plan?: Pick<AuditLine, 'plan' | 'planName' | 'planOwner'>;
  /** The line holds what nobody should read later. */
  secret?: true;
}

const seenId = (caller: Caller): string | undefined =>
  caller.key === undefined
    ? undefined
    : createHash('sha256').update(`${caller.surface}\0${caller.key}`).digest('hex').slice(0, 40);

/** False when this event was taken before. Written before the work: of two deliveries at once, one gets through. */
async function takeEvent(services: Services, id: string): Promise<Seen | 'new'> {
  const known = await services.store.get('seen', id);
  if (known) return known;
  try {
    await services.store.put('seen', { id, at: services.clock.now().toISOString() });
    return 'new';
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    return (await services.store.get('seen', id)) ?? { id, at: services.clock.now().toISOString() };
  }
}

const repeated = (seen: Seen): Reply => ({
  ...plain(
    seen.outcome === undefined ? 'I already have this one and am at it.' : 'This was already answered.',
    [text('It was delivered twice and done once.'), ...choices({ label: 'Am I safe?', line: 'status' })],
    { outcome: 'repeated', first: seen.at, answered: seen.outcome !== undefined },
  ),
  onlyForCaller: true,
});

/** What the grammar may know of this caller: their own names and no one else's. */
export async function vocabularyOf(services: Services, caller: Caller): Promise<Vocabulary> {
  const plans = await visiblePlans(services, caller);
  const about = plans.find((plan) => plan.id === caller.about?.plan)?.name;
  return {
    now: services.clock.now(),
    zone: caller.zone,
    accounts: (await accountsOf(services, caller.person)).map(({ name, kind }) => ({ name, kind })),
    kinds: services.kinds.list(),
    plans: plans.map(({ name }) => ({ name })),
    ...(about === undefined ? {} : { plan: about }),
  };
}

/** What two lines that are often offered are called on buttons. */
const NAMED: Readonly<Record<string, string>> = { help: 'Help', status: 'Am I safe?' };

/** What was read, what was not, what was probably meant, a line that works, and the line itself to mend. Nothing was done. */
function notUnderstood(parsed: Exclude<Parsed, { outcome: 'command' }>, line: string): Reply {
  const secret = parsed.code === 'secret_in_line' || holdsSecret(line);
  const again = lineForm(secret || line.length > MAX_LINE ? undefined : line);
  if (parsed.outcome === 'clarify') {
    return {
      tone: 'plain',
      title: parsed.question,
      blocks: [...(parsed.read ? [text(`I read: ${parsed.read}`)] : []), ...choices(...parsed.choices), again],
      onlyForCaller: true,
      outcome: 'not_understood',
      data: { ...parsed },
    };
  }
  const { read, unread, message, example } = parsed;
  // The title says most of it; a verb that was read needs no mention.
  const open = unread !== '' && !message.includes(unread.replace(/^"|"$/g, ''));
  const fixes = parsed.choices.map((fix, _, all) => ({
    ...fix,
    label: NAMED[fix.label] ?? fix.label,
    ...(all.length === 1 && { style: 'primary' as const }),
  }));
  return {
    tone: 'bad',
    title: message,
    blocks: [
      ...(/\s/.test(read) ? [text(`I read: ${read}`)] : []),
      ...(open ? [text(`I did not understand: ${unread}`)] : []),
      text(fixes.length > 0 ? 'Nothing was done.' : `Nothing was done. This works: ${example}`),
      ...choices(...fixes),
      again,
    ],
    onlyForCaller: true,
    outcome: 'not_understood',
    data: { ...parsed },
  };
}

async function refuse(services: Services, caller: Caller, name: CommandName): Promise<void> {
  const { person } = caller;
  const command = COMMANDS[name];
  if (isStranger(person)) {
    if (FOR_STRANGERS.includes(name)) return;
    const owned = await hasOwner(services.store);
    throw new NotAllowed(`Hello ${person.name}, I do not know you yet, so I may not do that for you.`, {
      code: 'stranger',
      advice: owned
        ? 'Ask its owner to `invite` you, then send me `join` and the code you get. If I know you elsewhere, say `link` there.'
        : 'If this Keepsake is yours, send me `claim` and the code that its log shows.',
    });
  }
  if (!mayAct(person, command.needs)) {
    throw new NotAllowed(`As a ${person.role} you may look, but "${name}" is for ${command.needs}s.`, {
      code: 'role',
      advice: 'Ask the owner of this Keepsake for more rights.',
    });
  }
}

/**
 * The plan that a command names. It must be the caller's to see; commands look it up again, this keeps one that forgets
 * from leaking.
 */
async function namedPlan(services: Services, caller: Caller, { name, args }: ParsedCommand): Promise<Plan | undefined> {
  if ('plan' in args && args.plan !== undefined) {
    return planOf(services, caller, args.plan, (plan) => (name === 'create' ? `show ${plan}` : `${name} ${plan}`));
  }
  // It means the plan of the last change, which may be gone when it is written down.
  return name === 'undo' ? (await lastChange(services, caller))?.after : undefined;
}

/** TypeScript cannot see that the command and its arguments carry the same name. */
const commandFor = <N extends CommandName>(name: N): Command<N> => COMMANDS[name] as Command<N>;

async function* perform<N extends CommandName>(
  services: Services,
  caller: Caller,
  line: string,
  parsed: { name: N; args: Parameters<Command<N>['run']>[0] },
  plan: Plan | undefined,
  trail: Trail,
): AsyncIterable<Reply> {
  const command = commandFor(parsed.name);
  const danger = caller.confirmed ? undefined : await command.danger?.(parsed.args, caller, services);
  const proved = caller.confirmed || danger || (await isProved(services, caller, command));
  const question = danger ? withDoubt(danger, caller) : proved ? undefined : unproved(line, caller, plan);
  if (question) {
    trail.detail = 'asked to confirm';
    trail.outcome = 'refused';
    yield await askToConfirm(services, caller, line, question);
    return;
  }
  for await (const reply of command.run(parsed.args, caller, services)) {
    trail.outcome = outcomeFor(reply);
    if (changedNothing(reply)) {
      trail.outcome = 'refused';
      trail.detail = 'already so';
    }
    if (reply.about?.plan !== undefined && !trail.plan) trail.plan = { plan: reply.about.plan };
    yield plan === undefined || reply.about || parsed.name === 'delete'
      ? reply
      : { ...reply, about: { plan: plan.id } };
  }
}

/** What found everything as it should be was nobody's deed, and must not be named as one later. */
const changedNothing = ({ data }: Reply): boolean =>
  typeof data === 'object' && data !== null && 'unchanged' in data && data.unchanged === true;

const outcomeFor = (reply: Reply): AuditLine['outcome'] => {
  if (reply.outcome === 'failed' || reply.outcome === 'sign_in') return 'failed';
  if (reply.outcome === 'not_understood' || reply.outcome === 'refused') return reply.outcome;
  return 'done';
};

async function* answer(services: Services, line: string, caller: Caller, trail: Trail): AsyncIterable<Reply> {
  const yes = isStranger(caller.person) ? undefined : answerOf(line);
  // A bare "yes" says nothing about who says it; the code in the question was sent to nobody else.
  const said = caller.proof && yes?.token === undefined ? undefined : yes;
  if (said) {
    const confirmed = await settle(services, caller, said);
    if (!confirmed) {
      yield plain('Left as it is.', choices({ label: 'My backups', line: 'list' }));
      return;
    }
    const about = confirmed.about ?? caller.about;
    yield* answer(
      services,
      confirmed.line,
      { ...caller, ...(about === undefined ? {} : { about }), confirmed: true },
      trail,
    );
    return;
  }
  const parsed = parse(line, await vocabularyOf(services, caller));
  if (parsed.outcome !== 'command') {
    trail.outcome = 'not_understood';
    trail.detail = parsed.code ?? parsed.outcome;
    // The grammar knows more ways to write a password ("password hunter2") than can be taken out of a text.
    if (parsed.code === 'secret_in_line') trail.secret = true;
    // A stranger's line is not discussed: what is read of it would tell what there is.
    if (isStranger(caller.person)) await refuse(services, caller, 'status');
    const stray = await strayCode(services, caller, line);
    if (stray) trail.secret = true;
    yield stray ?? (await goneReply(services, caller, line, parsed.code)) ?? notUnderstood(parsed, line);
    return;
  }
  const { command } = parsed;
  trail.command = command.name;
  await refuse(services, caller, command.name);
  const foreign = await foreignAbout(services, caller, line, command);
  if (foreign) {
    trail.outcome = 'refused';
    trail.detail = 'not theirs';
    yield foreign;
    return;
  }
  const plan = await namedPlan(services, caller, command);
  const gone = await goneAbout(services, caller, line, command);
  const late = gone ?? (plan && !caller.confirmed && (await staleReply(services, caller, line, command, plan)));
  if (late) {
    trail.outcome = 'refused';
    trail.detail = gone ? 'plan is gone' : 'button is stale';
    yield late;
    return;
  }
  if (plan) trail.plan = trailOf(plan);
  yield* perform(services, caller, line, command, plan, trail);
}

const randomId = (): string => randomBytes(4).toString('hex');

/** Every thrown thing as a reply; what is not one of our classes goes to the log with its stack. */
function told(services: Services, caller: Caller, error: unknown, trail: Trail): Reply {
  if (isKeepsakeError(error)) {
    const reply = failureReply(error);
    trail.outcome = outcomeFor(reply);
    trail.detail = error.code;
    return reply;
  }
  trail.outcome = 'failed';
  if (caller.signal.aborted) {
    trail.detail = 'stopped';
    return {
      ...plain('Stopped.', [text('What is copied stays; the next run goes on from there.')]),
      outcome: 'failed',
    };
  }
  const reference = randomId();
  trail.detail = reference;
  services.log('error', 'dispatch.bug', { reference, command: trail.command, error });
  return bugReply(reference);
}

/** Who the caller is after the line: it may have made them known, made them one with another, or forgotten them. */
async function nowOf(services: Services, caller: Caller): Promise<Person | undefined> {
  const same = isStranger(caller.person) ? undefined : await services.store.get('people', caller.person.id);
  const [identity] = caller.person.identities;
  return same ?? (identity && knownAs(services.store, identity));
}

async function audit(services: Services, line: string, caller: Caller, trail: Trail): Promise<void> {
  const { at } = trail;
  const person = await nowOf(services, caller);
  const forgotten = person === undefined && !isStranger(caller.person);
  const stranger = forgotten || person ? undefined : `stranger ${caller.person.identities[0]?.id ?? ''}`;
  const detail = [stranger, trail.detail].filter(Boolean).join(', ');
  await services.store.put('audit', {
    id: `${at}-${randomId()}`,
    at,
    ...(person ? { person: person.id } : {}),
    surface: caller.surface,
    line: forgotten ? '' : trail.secret ? '[hidden]' : auditLine(line, trail.command),
    ...(trail.command === undefined ? {} : { command: trail.command }),
    outcome: trail.outcome,
    ...(forgotten ? {} : trail.plan),
    ...(detail === '' ? {} : { detail }),
  });
}

/**
 * The one way into the commands. Yields at least one reply for every line and never throws for what a person said; it
 * throws only when the store itself fails before anything was done.
 */
export function createDispatch(services: Services): Dispatch {
  return async function* dispatch(line, caller) {
    const id = seenId(caller);
    if (id !== undefined) {
      const seen = await takeEvent(services, id);
      if (seen !== 'new') {
        yield repeated(seen);
        return;
      }
    }
    const trail: Trail = { at: services.clock.now().toISOString(), outcome: 'done' };
    try {
      yield* answer(services, line, caller, trail);
    } catch (error) {
      const reply = told(services, caller, error, trail);
      yield isStranger(caller.person) ? reply : ((await goneReply(services, caller, line, trail.detail)) ?? reply);
    } finally {
      await audit(services, line, caller, trail);
      if (id !== undefined)
        await services.store.putMany('seen', [{ id, at: services.clock.now().toISOString(), outcome: trail.outcome }]);
    }
  };
}
