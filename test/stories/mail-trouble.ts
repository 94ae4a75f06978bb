/** A mail service's bad day: no mail goes through the program's hands without something that services really do. */
import type { MailWorld } from '../servers/mail.ts';

/** Neither pushes nor moves, mail is stored under addresses without tags, ids are rewritten: the least that mail services do. */
export const STINGY = {
  capabilities: ['IMAP4rev1', 'AUTH=PLAIN', 'UNSELECT'],
  tags: false,
  rewritesIds: true,
} as const;

/** What the next hand-over meets, one after the other. */
const OUT = ['busy', 'loseAnswer', 'greylist', 'dropInData', 'later', 'hangUp'] as const;
/** What happens to the mailbox about the time a mail comes in. */
const IN = ['cut', 'refuse', 'cutAfter', 'mute', 'renew', 'literal', 'login', 'bye'] as const;
/** Real time; a few attempts of the program fall into it. */
const LOGIN_AWAY = 150;

export interface BadDay {
  /** Something happens to the mailbox. Call it shortly before a mail comes in. */
  strike(what?: (typeof IN)[number]): Promise<void>;
  /** Something happens to the next mail of the program. */
  lurk(what?: (typeof OUT)[number]): void;
  /** How many mails of the program were taken. */
  taken(): number;
  /** How often each was met; UIDVALIDITY renewed and connections cut count as done. */
  met(): Record<string, number>;
}

export function badDayOf(world: MailWorld): BadDay {
  const { imap, smtp, bot } = world;
  const done: Record<string, number> = {};
  let ins = 0;
  let outs = 0;

  const strikes: Record<(typeof IN)[number], () => void | Promise<void>> = {
    cut: () => imap.faults.cut(),
    cutAfter: () => imap.faults.cutAfter(300),
    literal: () => imap.faults.cutInLiteral(),
    refuse: () => imap.faults.refuse(1, { verb: 'UID FETCH' }),
    mute: () => imap.faults.mute(),
    bye: () => imap.faults.bye(),
    renew: () => bot.mailbox('INBOX').renew(),
    async login() {
      imap.faults.login('temporary');
      imap.faults.cut();
      await new Promise((resolve) => setTimeout(resolve, LOGIN_AWAY));
      imap.faults.login(undefined);
    },
  };
  const lurking: Record<(typeof OUT)[number], () => void> = {
    busy: () => {
      // Open connections would be used on.
      smtp.faults.cut();
      smtp.faults.busy();
    },
    hangUp: () => smtp.faults.cut(),
    greylist: () => smtp.faults.greylist(true),
    dropInData: () => smtp.faults.dropInData(),
    loseAnswer: () => smtp.faults.loseAnswer(),
    later: () => smtp.faults.refuseData(451),
  };

  return {
    async strike(what = IN[ins++ % IN.length] ?? 'cut') {
      done[what] = (done[what] ?? 0) + 1;
      await strikes[what]();
    },
    lurk: (what = OUT[outs++ % OUT.length] ?? 'later') => lurking[what](),
    taken: () => smtp.submitted.length,
    met: () => ({ ...done, ...smtp.met() }),
  };
}
