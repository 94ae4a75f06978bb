/** Whether a mail's word is enough for a command, or the person is asked first by a message that only they get. */
import { Conflict } from '../errors.ts';
import { isStranger } from '../people.ts';
import type { Services } from '../services.ts';
import type { Caller, Plan } from '../types.ts';
import type { Command } from './command.ts';

/** Uses the token up: false when it was used before, or by a second mail at the same moment. */
async function spend({ store, clock }: Pick<Services, 'store' | 'clock'>, id: string): Promise<boolean> {
  const pending = await store.get('pending', id);
  if (pending?.kind !== 'reply' || pending.payload.used === true) return false;
  if (pending.expires <= clock.now().toISOString()) return false;
  try {
    await store.put('pending', { ...pending, payload: { ...pending.payload, used: true } });
    return true;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    return false;
  }
}

/**
 * What changes something needs a token that was not used yet and a sender whose domain vouches for them; looking needs one
 * of the two, which the surface has made sure of. A stranger proves themselves by the code in the line.
 */
export async function isProved(
  services: Pick<Services, 'store' | 'clock'>,
  { proof, person }: Caller,
  command: Pick<Command, 'looks'>,
): Promise<boolean> {
  if (!proof || command.looks || isStranger(person)) return true;
  return proof.verified && proof.token !== undefined && spend(services, proof.token);
}

/** Why a mail's word is not enough. */
function doubt({ proof }: Pick<Caller, 'proof'>): string {
  if (!proof?.verified)
    return 'The mail server of your address does not say that it is from you, and anybody can write your address above a mail';
  return proof.token === undefined
    ? 'It was not an answer to one of my mails, and anybody can send on what you once wrote'
    : 'The mail that it answers was answered before, and anybody can send on what you once wrote';
}

interface Asked {
  title: string;
  text: string;
  label: string;
}

/**
 * The line itself is in the question, and which backup it means there: whoever did not write it sees what somebody tried.
 */
export const unproved = (line: string, caller: Pick<Caller, 'proof'>, plan: Pick<Plan, 'name'> | undefined): Asked => ({
  title: `Did you write this: ${line}`,
  text: `${plan ? `It is about the backup ${plan.name}. ` : ''}${doubt(caller)}, so I ask before I do it.${caller.proof?.verified ? ' An answer to my newest report is done at once.' : ''}`,
  label: 'Yes, do it',
});

/** What is asked in any case, said by a mail that may be somebody else's: a question out of nowhere is a reason to say no. */
export function withDoubt(asked: Asked, caller: Pick<Caller, 'proof' | 'person'>): Asked {
  const { proof, person } = caller;
  if (!proof || isStranger(person) || (proof.verified && proof.token !== undefined)) return asked;
  return { ...asked, text: `${asked.text} ${doubt(caller)}: say no if you did not write this.` };
}
