/** `answer [id] <code>`, `answer [id] not now`: to a question that a service asks about an account. */
import { NotAllowed } from '../errors.ts';
import { answerQuestion } from '../questions.ts';
import type { Command } from './command.ts';
import { choice, choices, good, plain, text } from './reply.ts';

/** Whoever runs these services reads what is typed there. */
const CHATS: ReadonlySet<string> = new Set(['slack', 'discord']);

export const answer: Command<'answer'> = {
  name: 'answer',
  summary: 'Answer when a service asks for a one-time code.',
  example: 'answer 123 456',
  needs: 'member',
  async *run(args, caller, services) {
    if (args.said !== 'not now' && CHATS.has(caller.surface) && !services.config.codesInChat) {
      throw new NotAllowed('Codes are not typed into chats here, so it was not used.', {
        code: 'codes_in_chat',
        advice: `${caller.surface === 'slack' ? 'Slack' : 'Discord'} keeps what is typed. Answer in the terminal of the machine that Keepsake runs on, with a new code if others could see this one. Its operator can allow it here: KEEPSAKE_CODES_IN_CHAT=yes`,
      });
    }
    const asked = await answerQuestion(services, caller.person, args.id, args.said);
    const reply =
      args.said === 'not now'
        ? plain(
            `Not now, then. ${asked.accountName} waits until you sign in.`,
            choices(choice('My accounts', 'accounts')),
          )
        : good(`Thank you. The code is handed on for ${asked.accountName}.`, [
            text('If it was not right, you are asked again.'),
          ]);
    yield { ...reply, onlyForCaller: true };
  },
};
