/** Whether a mail's word is enough for a command, or the person is asked first by a message that only they get. */
import { Conflict } from '../errors.ts';
import { isStranger } from '../people.ts';
import type { Services } from '../services.ts';
import type { Caller } from '../types.ts';
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

/** The line itself is in the question: whoever did not write it sees what somebody tried. */
export const unproved = (line: string): { title: string; text: string; label: string } => ({
  title: `Did you write this: ${line}`,
  text: 'It was not an answer to one of my mails (or the mail had been answered before), and a sender is easily forged, so I ask before I do it.',
  label: 'Yes, do it',
});
