/**
 * A line from any surface -> replies: answered once per event, read by the grammar, allowed or refused, confirmed where it
 * matters, written into the audit trail, and every failure told in words.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Conflict, isKeepsakeError, NotAllowed } from '../errors.ts';
import { redact } from '../log.ts';
import { hasOwner, isStranger, mayAct } from '../people.ts';
import type { Services } from '../services.ts';
import type { AuditLine, Caller, Reply, Seen } from '../types.ts';
import type { Command, CommandName, Parsed, ParsedCommand, Vocabulary } from './command.ts';
import { answerOf, askToConfirm, settle } from './confirm.ts';
import { bugReply, failureReply } from './failure.ts';
import { lineForm } from './forms.ts';
import { MAX_LINE } from './grammar/words.ts';
import { parse } from './grammar.ts';
import { COMMANDS } from './index.ts';
import { accountsOf } from './locate.ts';
import { planOf, visiblePlans } from './plan-of.ts';
import { choices, plain, text } from './reply.ts';

export type Dispatch = (line: string, caller: Caller) => AsyncIterable<Reply>;

/** What somebody unknown may say; everything else could tell or change something that is not theirs. */
const FOR_STRANGERS: readonly CommandName[] = ['claim', 'help', 'whoami'];

/** One entry for the audit trail, filled in while the line is worked on. */
interface Trail {
  command?: CommandName;
  outcome: AuditLine['outcome'];
  detail?: string;
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
    { outcome: 'repeated', first: seen.at },
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

/** What was read, what was not, what was probably meant, a line that works, and the line itself to mend. Nothing was done. */
function notUnderstood(parsed: Exclude<Parsed, { outcome: 'command' }>, line: string): Reply {
  const secret = parsed.code === 'secret_in_line' || redact(line) !== line;
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
  return {
    tone: 'bad',
    title: message,
    blocks: [
      ...(read ? [text(`I read: ${read}`)] : []),
      ...(unread ? [text(`I did not understand: ${unread}`)] : []),
      text(`Nothing was done. This works: ${example}`),
      ...choices(...parsed.choices),
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
        ? 'Ask the owner of this Keepsake to let you in.'
        : 'If this Keepsake is yours, send the code that its log shows: claim <code>',
    });
  }
  if (!mayAct(person, command.needs)) {
    throw new NotAllowed(`As a ${person.role} you may look, but "${name}" is for ${command.needs}s.`, {
      code: 'role',
      advice: 'Ask the owner of this Keepsake for more rights.',
    });
  }
}

/** A named plan must be the caller's to see; commands look it up again, this keeps one that forgets from leaking. */
async function refuseForeignPlan(services: Services, caller: Caller, { name, args }: ParsedCommand): Promise<void> {
  if ('plan' in args && args.plan !== undefined) {
    await planOf(services, caller, args.plan, (plan) => (name === 'create' ? `show ${plan}` : `${name} ${plan}`));
  }
}

/** TypeScript cannot see that the command and its arguments carry the same name. */
const commandFor = <N extends CommandName>(name: N): Command<N> => COMMANDS[name] as Command<N>;

async function* perform<N extends CommandName>(
  services: Services,
  caller: Caller,
  line: string,
  parsed: { name: N; args: Parameters<Command<N>['run']>[0] },
  trail: Trail,
): AsyncIterable<Reply> {
  const command = commandFor(parsed.name);
  const question = caller.confirmed ? undefined : await command.danger?.(parsed.args, caller, services);
  if (question) {
    trail.detail = 'asked to confirm';
    trail.outcome = 'refused';
    yield await askToConfirm(services, caller, line, question);
    return;
  }
  for await (const reply of command.run(parsed.args, caller, services)) {
    trail.outcome = outcomeFor(reply);
    yield reply;
  }
}

const outcomeFor = (reply: Reply): AuditLine['outcome'] => {
  if (reply.outcome === 'failed' || reply.outcome === 'sign_in') return 'failed';
  if (reply.outcome === 'not_understood' || reply.outcome === 'refused') return reply.outcome;
  return 'done';
};

async function* answer(services: Services, line: string, caller: Caller, trail: Trail): AsyncIterable<Reply> {
  const said = isStranger(caller.person) ? undefined : answerOf(line);
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
    // A stranger's line is not discussed: what is read of it would tell what there is.
    if (isStranger(caller.person)) await refuse(services, caller, 'status');
    yield notUnderstood(parsed, line);
    return;
  }
  const { command } = parsed;
  trail.command = command.name;
  await refuse(services, caller, command.name);
  await refuseForeignPlan(services, caller, command);
  yield* perform(services, caller, line, command, trail);
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

async function audit(services: Services, line: string, caller: Caller, trail: Trail): Promise<void> {
  const at = services.clock.now().toISOString();
  const stranger = isStranger(caller.person) ? `stranger ${caller.person.identities[0]?.id ?? ''}` : undefined;
  const detail = [stranger, trail.detail].filter(Boolean).join(', ');
  await services.store.put('audit', {
    id: `${at}-${randomId()}`,
    at,
    ...(stranger ? {} : { person: caller.person.id }),
    surface: caller.surface,
    // The code makes an owner of whoever sends it; a wrong guess may be a typing mistake of the right one.
    line: trail.command === 'claim' ? 'claim [hidden]' : redact(line).slice(0, 500),
    ...(trail.command === undefined ? {} : { command: trail.command }),
    outcome: trail.outcome,
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
    const trail: Trail = { outcome: 'done' };
    try {
      yield* answer(services, line, caller, trail);
    } catch (error) {
      yield told(services, caller, error, trail);
    } finally {
      await audit(services, line, caller, trail);
      if (id !== undefined)
        await services.store.putMany('seen', [{ id, at: services.clock.now().toISOString(), outcome: trail.outcome }]);
    }
  };
}
