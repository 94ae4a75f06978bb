/** Anything that was thrown, as a reply: what happened, what it means, what to do now. Pure. */
import { AuthRequired, KeepsakeError, NotAllowed, RetryLater, Stopped, UsageError } from '../errors.ts';
import type { Choice, Reply } from '../types.ts';
import { choices, text } from './reply.ts';

function outcomeOf(error: KeepsakeError): NonNullable<Reply['outcome']> {
  if (error instanceof AuthRequired) return 'sign_in';
  if (error instanceof NotAllowed) return 'refused';
  if (error instanceof UsageError) return 'not_understood';
  return 'failed';
}

/** The class tells what a choice-less error can offer. */
const offered = (error: KeepsakeError): readonly Choice[] => {
  if (error.choices.length > 0) return error.choices;
  if (error instanceof AuthRequired) return [{ label: 'My accounts', line: 'accounts' }];
  return [];
};

const causeOf = (error: KeepsakeError): string | undefined =>
  error.cause instanceof KeepsakeError && error.cause.message !== error.message ? error.cause.message : undefined;

export function failureReply(error: KeepsakeError): Reply {
  const cause = causeOf(error);
  const calm = error instanceof RetryLater || error instanceof Stopped;
  return {
    tone: calm ? 'plain' : 'bad',
    title: error.message,
    blocks: [...(cause === undefined ? [] : [text(cause)]), text(error.advice), ...choices(...offered(error))],
    onlyForCaller: true,
    outcome: outcomeOf(error),
    data: { outcome: 'error', code: error.code, message: error.message, advice: error.advice },
  };
}

/** A mistake of ours: the person gets a reference, the log gets the stack. */
export const bugReply = (reference: string): Reply => ({
  tone: 'bad',
  title: 'Something went wrong on my side.',
  blocks: [
    text(`It is written down with the reference ${reference}; whoever runs this Keepsake finds it in the log.`),
    text('Backed-up files are not touched by this. You can try the same line again.'),
    ...choices({ label: 'Am I safe?', line: 'status' }),
  ],
  onlyForCaller: true,
  outcome: 'failed',
  data: { outcome: 'error', code: 'internal', reference },
});
