/** One answer of what a line brought: a mail cannot be changed later, so it is sent when there is something to say. Pure. */
import type { Block, Reply } from '../engine/types.ts';

/** What was said has been begun by a process that is gone, or its answer was lost with it. */
export const cutOff: Reply = {
  tone: 'plain',
  title: 'A restart of Keepsake cut this off.',
  blocks: [
    { kind: 'text', text: 'It may be done, or done in part; what was copied stays. Look before you say it again.' },
    { kind: 'choices', choices: [{ label: 'Am I safe?', line: 'status' }] },
  ],
  onlyForCaller: true,
  outcome: 'failed',
};

/** Dispatch has had this mail before. */
export const isRepeated = ({ data }: Reply): boolean =>
  typeof data === 'object' && data !== null && 'outcome' in data && data.outcome === 'repeated';

/** The card of a run: its report comes as a mail of its own. */
export const isRunCard = (reply: Reply): boolean => reply.live !== undefined && reply.about?.run === reply.live;

const begun: Block = { kind: 'text', text: 'It has begun. The report follows as a mail of its own when it is done.' };

/** Later states of one card take the place of earlier ones. */
export function addReply(replies: readonly Reply[], reply: Reply): Reply[] {
  const kept = replies.filter((earlier) => earlier.live === undefined || earlier.live !== reply.live);
  return [...kept, isRunCard(reply) && reply.tone === 'busy' ? { ...reply, blocks: [begun] } : reply];
}

/** What is said first names it; the others follow below. Undefined when nothing was said. */
export function asOneAnswer(replies: readonly Reply[]): Reply | undefined {
  const [first, ...rest] = replies;
  if (!first) return undefined;
  const { live: _, topic: __, ...answer } = first;
  const about = { ...rest.find((reply) => reply.about)?.about, ...first.about };
  return {
    ...answer,
    blocks: [
      ...first.blocks,
      ...rest.flatMap(({ title, blocks }): Block[] => [{ kind: 'text', text: title }, ...blocks]),
    ],
    ...(Object.keys(about).length === 0 ? {} : { about }),
  };
}
