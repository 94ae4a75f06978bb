/** One answer of what a line brought: a mail cannot be changed later, so it is sent when there is something to say. Pure. */
import type { Block, Reply } from '../engine/types.ts';
import { answerIn, isKindness, isWonder } from './said.ts';

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

export const keptAs = (name: string): Reply => ({
  tone: 'good',
  title: 'Kept: the mail you forwarded.',
  blocks: [{ kind: 'text', text: `It lies as ${name} in the archive of this Keepsake.` }],
});

/** It would fill a disk that is not theirs. */
export const notForViewers: Reply = {
  tone: 'bad',
  title: 'The mail you forwarded was not kept.',
  blocks: [{ kind: 'text', text: 'As a viewer you may look; mails are kept for members and owners.' }],
  onlyForCaller: true,
  outcome: 'refused',
};

/** To an answer without words, and to somebody who wonders: what they can say is listed below each mail. */
const introduction: Reply = {
  tone: 'plain',
  title: 'This is Keepsake, the assistant that looks after your backups.',
  blocks: [
    {
      kind: 'text',
      text: 'It copies your files on schedule, and mails you what came of it. Answer any of its mails with one line, and it does that. By this mail of yours nothing was done.',
    },
    {
      kind: 'choices',
      choices: [
        { label: 'Am I safe?', line: 'status', style: 'primary' },
        { label: 'My backups', line: 'list' },
        { label: 'All that can be said', line: 'help' },
      ],
    },
  ],
  onlyForCaller: true,
  outcome: 'not_understood',
};

/** A yes from nobody knows when must not do what another mail asked meanwhile. */
const nothingAsked: Reply = {
  tone: 'plain',
  title: 'The mail that you answered asks nothing, so nothing was done.',
  blocks: [
    { kind: 'text', text: 'Yes and no answer a mail that asks something: answer that one.' },
    { kind: 'choices', choices: [{ label: 'Am I safe?', line: 'status' }] },
  ],
  onlyForCaller: true,
  outcome: 'not_understood',
};

/** Words that are no command: thanks and wonder. As the answer to a question an "ok" may mean anything: it is asked again. */
export function answerToTalk(said: string, confirm: string | undefined): Reply | undefined {
  if (isWonder(said)) return introduction;
  if (confirm === undefined && answerIn(said)) return nothingAsked;
  if (!isKindness(said)) return undefined;
  if (confirm === undefined) {
    return {
      tone: 'plain',
      title: 'Thank you. Your mail asked for nothing, so nothing was done.',
      blocks: [{ kind: 'choices', choices: [{ label: 'Am I safe?', line: 'status' }] }],
      onlyForCaller: true,
      outcome: 'not_understood',
    };
  }
  return {
    tone: 'plain',
    title: 'Is that a yes or a no? Nothing was done yet.',
    blocks: [
      {
        kind: 'choices',
        choices: [
          { label: 'Yes, do it', line: confirm, style: 'danger' },
          { label: 'No, leave it', line: confirm.replace(/^yes/, 'no') },
        ],
      },
    ],
    onlyForCaller: true,
    outcome: 'not_understood',
    data: { confirm },
  };
}

const LAST: Block = {
  kind: 'text',
  text: 'This is my last answer within this hour to mails that I do not understand. Commands are answered as before.',
};

export const asLast = (reply: Reply): Reply => ({ ...reply, blocks: [...reply.blocks, LAST] });

/** Dispatch has had this mail before. */
export const isRepeated = ({ data }: Reply): boolean =>
  typeof data === 'object' && data !== null && 'outcome' in data && data.outcome === 'repeated';

/** The card of a run: its report comes as a mail of its own. */
export const isRunCard = (reply: Reply): boolean => reply.live !== undefined && reply.about?.run === reply.live;

const begun: Block = {
  kind: 'text',
  text: 'It begins now. Where this backup reports its runs by mail, the report follows; `status` tells how it went in any case.',
};

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
