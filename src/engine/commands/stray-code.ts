/** A one-time code that was typed as a line of its own while a question waits for it. It is not used, not said back and not kept. */
import { openQuestions } from '../questions.ts';
import type { Services } from '../services.ts';
import type { Caller, Reply } from '../types.ts';
import { choices, fields, plain, text } from './reply.ts';

/** Four to ten digits, as services write them ("123 456", "123-456"), anywhere in the line. */
const CODE = /(?<!\d)\d(?:[ -]?\d){3,9}(?!\d)/;

/** What to do instead; undefined for any other line. */
export async function strayCode(services: Services, caller: Caller, line: string): Promise<Reply | undefined> {
  if (!CODE.test(line)) return undefined;
  const [question] = await openQuestions(services.store, services.clock, caller.person);
  if (!question) return undefined;
  const byHand = `answer ${question.id} <code>`;
  const chat = ['slack', 'discord'].includes(caller.surface);
  const where =
    chat && !services.config.codesInChat ? `in the terminal of the machine that Keepsake runs on: ${byHand}` : byHand;
  return {
    ...plain(
      'That looks like a code. It was not used.',
      [
        ...(caller.alone || !chat
          ? []
          : [text('Others may read along here: delete your message, and ask the service for another code.')]),
        text(`"${question.text}" is answered ${where}`),
        fields({ 'Can be answered until': { at: question.until } }),
        ...choices({ label: 'Not now', line: `answer ${question.id} not now` }),
      ],
      { question: question.id },
    ),
    onlyForCaller: true,
    outcome: 'not_understood',
  };
}
