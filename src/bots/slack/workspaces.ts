/** The workspaces that the bot is in: their tokens, and two independent ways to call Slack for each. */

import type { Log } from '../../engine/types.ts';
import { createCall } from './connection.ts';
import type { Call } from './failure.ts';
import type { Installations } from './installations.ts';

export interface Workspace {
  call: Call;
  /** For edits of cards only: what Slack refuses here for being too much delays nothing else. */
  edit: Call;
}

export interface Workspaces {
  /** `AuthRequired` where the app is not installed. `enterprise`: of the event, for installations of a whole organisation. */
  of(team: string, enterprise?: string): Promise<Workspace>;
  /** The token has changed or gone. */
  forget(team: string): void;
  /** Asks Slack whether the token works, where there is one for all. `AuthRequired` when not, `RetryLater` when it is away. */
  check(): Promise<void>;
}

interface Order {
  api: string;
  log: Log;
}

const workspace = (token: string, { api, log }: Order): Workspace => ({
  call: createCall(token, api, log),
  edit: createCall(token, api, log),
});

/** One workspace, whose token is a setting. */
export function oneWorkspace(token: string, order: Order): Workspaces {
  const only = workspace(token, order);
  return {
    of: async () => only,
    forget: () => {},
    check: async () => void (await only.call('auth.test')),
  };
}

export function severalWorkspaces(installations: Installations, order: Order): Workspaces {
  const known = new Map<string, Workspace>();
  const open = async (id: string): Promise<Workspace> => {
    const there = known.get(id);
    if (there) return there;
    const opened = workspace((await installations.get(id)).token, order);
    known.set(id, opened);
    return opened;
  };
  return {
    async of(team, enterprise) {
      try {
        return await open(team);
      } catch (error) {
        // A report, unlike an event, does not say which organisation its workspace is part of.
        const organisation = enterprise ?? (await installations.organisation(team));
        if (organisation === undefined) throw error;
        const opened = await open(organisation);
        if (enterprise !== undefined) await installations.belongs(team, enterprise);
        return opened;
      }
    },
    forget: (team) => void known.delete(team),
    check: async () => {},
  };
}
