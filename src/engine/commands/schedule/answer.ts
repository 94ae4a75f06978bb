/** What reading a schedule answers. */

import type { Schedule } from '../../types.ts';

export interface ReadOptions {
  now: Date;
  /** The zone of the person: where a phrase names no other, its times are meant there. */
  zone: string;
}

/** A schedule as it is shown and compared: without the zone, and with `now` and `today` for what is counted from this moment. */
export type Rule =
  | { cron: string }
  | { everyMinutes: number; anchor: string }
  | { everyDays: number; at: string; anchor: string }
  | { at: string }
  | { manual: true };

/** One meaning of an ambiguous phrase: a label for a button, what tells its rule from the others, and a phrase that means just it. */
export type ScheduleOption = { label: string; phrase: string } & (
  | { cron: string }
  | { everyDays: number }
  | { everyMinutes: number }
  | { at: string }
);

export type ScheduleErrorCode =
  | 'too_often'
  | 'bad_time'
  | 'bad_interval'
  | 'bad_cron'
  | 'no_such_date'
  | 'in_the_past'
  | 'unknown_zone'
  | 'unsupported'
  | 'not_understood'
  | 'too_long';

export type ScheduleAnswer =
  | {
      outcome: 'ok';
      schedule: Schedule;
      rule: Rule;
      /** One sentence without a full stop ("Every Friday at 02:00"). */
      say: string;
      /** Where its times are meant. */
      zone: string;
      /** The next three; fewer for a single date, none for a manual schedule. */
      next: Date[];
    }
  | { outcome: 'clarify'; question: string; options: ScheduleOption[] }
  | {
      outcome: 'error';
      code: ScheduleErrorCode;
      /** One or two sentences: what was read and why it does not work. */
      message: string;
      /** A phrase that is read without a question. */
      suggestion: string;
    };

/** Part of a longer line that was read as a schedule. */
export interface TakenSchedule {
  /** Index of the first word that does not belong to it. */
  end: number;
  /** The words as one phrase. Pieces from several places of a line can be joined and read again by `parseSchedule`. */
  text: string;
  answer: ScheduleAnswer;
}

export interface TakenInstant {
  /** Index of the first word that does not belong to it. */
  end: number;
  /** The instant, or the first one of the named day, month or year ("since march"). */
  at: Date;
  /** The first instant after the named minute, day, month or year ("as of yesterday" means all of yesterday). */
  until: Date;
  /** The words as one phrase. */
  text: string;
}
