/** The words that a mail can be answered with, each as a link that begins the answer. Pure. */
import type { Block, Choice, Reply } from '../engine/types.ts';
import { visibleLine } from '../engine/visible.ts';
import { mailtoLink } from './address.ts';
import type { MailLook } from './render.ts';
import { withoutIsolates, words } from './words-render.ts';

/** One thing that can be said. */
export interface Way {
  label: string;
  /** The words themselves. */
  line: string;
  style: 'primary' | 'danger' | 'plain';
  /** Begins the answer in the reader's mail program. */
  mailto?: string;
  /** A page where it is done by a click, which goes before the answer. */
  page?: string;
}

export interface Ways {
  ways: Way[];
  /** How many more there are. */
  left: number;
}

/** Windows hands over no longer link to a mail program. */
const LONGEST_LINK = 2000;
const LONGEST_SUBJECT = 120;

/** Only what a mail program may open; `javascript:` and the like become plain text. */
export const isWebLink = (url: string): boolean => /^https?:\/\//i.test(url) && URL.canParse(url);

/**
 * Undefined where nobody reads the answer, and for a line that is not what it looks like: a file name with a line break in
 * it would end the command early, and only the first line of an answer is read.
 */
export function answerLink(line: string, look: MailLook): string | undefined {
  if (!look.answer || withoutIsolates(visibleLine(line)) !== line) return undefined;
  const { to, subject, code } = look.answer;
  const link = mailtoLink({ to, subject: words(subject, LONGEST_SUBJECT), line, code });
  return link.length > LONGEST_LINK ? undefined : link;
}

/** The one of a question's two answers that acts. */
const YES = /^yes \S+$/;

function wayOf(choice: Choice, look: MailLook, most: { words: number; line: number }): Way {
  const line = words(choice.line, most.line);
  const mailto = answerLink(choice.line, look);
  const page = YES.test(choice.line) && look.confirm !== undefined && isWebLink(look.confirm);
  return {
    label: choice.label.trim() === '' ? line : words(choice.label, most.words),
    line,
    style: choice.style ?? 'plain',
    ...(mailto === undefined ? {} : { mailto }),
    ...(page && look.confirm !== undefined ? { page: look.confirm } : {}),
  };
}

/** A menu opens where one can point; a mail names a few of a long one. */
const MENU = 5;
const SHOWN_OF_MENU = 3;

export function waysOf(
  block: Extract<Block, { kind: 'choices' }>,
  look: MailLook,
  most: { words: number; line: number; choices: number },
): Ways {
  const shown = block.menu !== undefined && block.choices.length > MENU ? SHOWN_OF_MENU : most.choices;
  const ways = block.choices.slice(0, shown).map((choice) => wayOf(choice, look, most));
  return { ways, left: block.choices.length - ways.length };
}

/** Words that answer any report of a plan; `covered` is a choice that offers the same already. */
const STANDING: readonly { line: string; label: string; covered: RegExp }[] = [
  { line: 'run now', label: 'back up once more at once', covered: /^(run|start)\b/ },
  { line: 'pause until monday', label: 'nothing runs until then', covered: /^pause\b/ },
  { line: 'restore <file>', label: 'bring a file back: put its name there', covered: /^restore\b/ },
  { line: 'weekly', label: 'back up every week from now on', covered: /^(edit .*)?weekly$/ },
  { line: 'why', label: 'what went wrong, and what to do', covered: /^why\b/ },
  { line: 'stop reports', label: 'no more of these mails', covered: /^stop reports\b/ },
  { line: 'help', label: 'all that you can say', covered: /^help$/ },
];
/** For mails that are about no plan. */
const ALWAYS: typeof STANDING = [
  { line: 'status', label: 'whether your backups are safe', covered: /^status$/ },
  { line: 'help', label: 'all that you can say', covered: /^help$/ },
];

/** What can be answered at any time, without what is offered above. Empty where nobody reads the answers. */
export function standingWays(reply: Reply, look: MailLook): Way[] {
  if (!look.answer) return [];
  const offered = reply.blocks.flatMap((block) =>
    block.kind === 'choices' ? block.choices.map((choice) => choice.line) : [],
  );
  return (reply.about?.plan === undefined ? ALWAYS : STANDING)
    .filter(({ covered }) => !offered.some((line) => covered.test(line)))
    .map(({ line, label }) => {
      const mailto = answerLink(line, look);
      return { line, label, style: 'plain', ...(mailto === undefined ? {} : { mailto }) };
    });
}
