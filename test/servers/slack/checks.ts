/** What Slack refuses in a message before anybody sees it, and what it takes though it serves nobody. */
import { slackProblems } from '../../contract/slack-limits.ts';
import type { Fields, SlackMessage } from './types.ts';
import { list, word } from './world.ts';

/** Longer texts are cut off by Slack, or refused; nobody reads them either way. (docs.slack.dev/reference/methods/chat.postMessage) */
const LONGEST = 40_000;

export interface Checked {
  /** Slack answers with this. */
  error: string | undefined;
  /** All that is wrong. */
  problems: string[];
}

/** `former`: the message that it replaces. */
export function checked(payload: Fields, former?: SlackMessage): Checked {
  const text = word(payload.text);
  if (text === '' && list(payload.blocks).length === 0 && list(payload.attachments).length === 0)
    return { error: 'no_text', problems: ['it says nothing'] };
  if (text.length > LONGEST) return { error: 'msg_too_long', problems: [`${text.length} characters of text`] };
  const problems = slackProblems(payload);
  if (former !== undefined && former.blocks.length > 0 && payload.blocks === undefined)
    problems.push('text: without blocks it removes those that are there');
  // Slack shows bad texts as they are; blocks must be right.
  const isRefused = problems.some((one) => !/^text\b/.test(one));
  return { error: isRefused ? 'invalid_blocks' : undefined, problems };
}
