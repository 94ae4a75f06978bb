/** What the mail surface gets of the engine besides what every surface gets. */
import { allow, bounced, endMails, markDoor, turnedAway } from './mail-trouble.ts';
import { knownAs } from './people.ts';
import type { MailServices, Services, SurfaceServices } from './services.ts';
import { createTokens } from './tokens.ts';

export function createMailServices(services: Services, surface: SurfaceServices): MailServices {
  const { store, outbox } = services;
  return {
    ...surface,
    tokens: createTokens(services),
    known: (identity) => knownAs(store, identity),
    personOf: (id) => store.get('people', id),
    async send(message) {
      if (await store.get('outbox', message.id)) return false;
      await store.commit([{ table: 'outbox', put: message }]);
      outbox.wake();
      return true;
    },
    isWritten: async (id) => (await store.get('outbox', id)) !== undefined,
    message: outbox.message,
    allow: (o) => allow(services, o),
    turnedAway: (o) => turnedAway(services, o),
    bounced: (o) => bounced(services, o),
    endMails: (o) => endMails(services, o),
    markDoor: (o) => markDoor(services, o),
  };
}
