/** `when <phrase>`: how a schedule is understood, with its next dates. */
import type { Reply } from '../types.ts';
import type { Command } from './command.ts';
import { scheduleWords } from './plan-words.ts';
import { choice, choices, text } from './reply.ts';
import { sayZone } from './schedule/say.ts';
import { parseSchedule, saySchedule } from './schedule.ts';

const line = (phrase: string): string => `when ${phrase}`;

export const when: Command<'when'> = {
  name: 'when',
  summary: 'Show how a schedule is understood, and its next dates.',
  example: 'when every second friday at 18:30',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const now = services.clock.now();
    const answer = parseSchedule(args.phrase, { now, zone: caller.zone });
    let reply: Reply;
    if (answer.outcome === 'ok') {
      const { outcome, rule, say, zone, schedule } = answer;
      const next = answer.next.map((at) => at.toISOString());
      reply = {
        tone: 'good',
        // Said for its own zone, which is then always named: here people look closely.
        title: 'manual' in schedule ? say : `${saySchedule(schedule, { now, zone })} (${sayZone(zone)})`,
        blocks: [
          ...(next.length > 0
            ? [{ kind: 'table' as const, columns: ['Next'], rows: next.map((at) => [{ at }]) }]
            : [text(scheduleWords(schedule, now, '<name>'))]),
          ...choices(choice('Use it in a backup', 'help create')),
        ],
        data: { outcome, rule, next, say, zone },
      };
    } else if (answer.outcome === 'clarify') {
      reply = {
        tone: 'plain',
        title: answer.question,
        blocks: choices(...answer.options.map((option) => choice(option.label, line(option.phrase)))),
        data: { outcome: answer.outcome, question: answer.question, options: answer.options },
        outcome: 'not_understood',
      };
    } else {
      const { outcome, code, message, suggestion } = answer;
      reply = {
        tone: 'bad',
        title: message,
        blocks: [text(`This works: ${line(suggestion)}`), ...choices(choice(suggestion, line(suggestion)))],
        data: { outcome, code, message, suggestion },
        outcome: 'not_understood',
      };
    }
    yield reply;
  },
};
