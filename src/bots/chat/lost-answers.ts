/** What is said where an answer may be missing: a restart came between, or the service did not take it. Pure. */
import type { Reply } from '../../engine/types.ts';

/** What was said has been done: only the way back is broken. */
export const unshown: Reply = {
  tone: 'bad',
  title: 'My answer did not get through.',
  blocks: [
    { kind: 'text', text: 'What you said has been taken. Look before you say it again.' },
    { kind: 'choices', choices: [{ label: 'Am I safe?', line: 'status' }] },
  ],
  onlyForCaller: true,
  outcome: 'failed',
};

/** A process that is gone had begun with it. Without a button that says it again: a line may hold a code. */
export const cutOff: Reply = {
  tone: 'plain',
  title: 'A restart of Keepsake cut this off.',
  blocks: [
    { kind: 'text', text: 'It may be done in part; what was copied stays. Look before you say it again.' },
    { kind: 'choices', choices: [{ label: 'Am I safe?', line: 'status' }] },
  ],
  onlyForCaller: true,
  outcome: 'failed',
};

/** A service delivered an event twice, which dispatch has noticed. `answered`: the first one was worked to its end. */
export function repetition({ data }: Reply): { answered: boolean } | undefined {
  const { outcome, answered } = (data ?? {}) as { outcome?: unknown; answered?: unknown };
  return outcome === 'repeated' ? { answered: answered === true } : undefined;
}
