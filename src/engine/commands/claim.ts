/** `claim <code>`: the first owner takes over a new Keepsake with the code in its log. */

import { redeemClaim } from '../people.ts';
import type { Command } from './command.ts';
import { exampleLine } from './example.ts';
import { newForms } from './form-for.ts';
import { choice, choices, good, text } from './reply.ts';

export const claim: Command<'claim'> = {
  name: 'claim',
  summary: 'Become the owner, with the code from the log.',
  example: 'claim 2F7K-QM4D-9TRV',
  needs: 'viewer',
  async *run(args, caller, services) {
    const owner = await redeemClaim(services.store, caller.person, args.code, services.clock);
    services.log('info', 'people.claimed', { person: owner.id, surface: caller.surface });
    yield {
      ...good(
        `Welcome, ${owner.name}. This Keepsake is yours now.`,
        [
          text(`Say what to copy and where, for example \`${exampleLine(services, caller)}\`.`),
          ...newForms({ person: owner }),
          ...choices(choice('Connect an account', 'help connect'), choice('Help', 'help')),
        ],
        { role: owner.role, name: owner.name },
      ),
      onlyForCaller: true,
    };
  },
};
