/** Slack: people talk to Keepsake with /backup, in messages, with buttons and on its home page. Over Socket Mode, or over signed HTTP. */
import { RetryLater } from '../engine/errors.ts';
import type { Page, SurfaceServices } from '../engine/services.ts';
import type { ChatSurface } from './chat/chat.ts';
import { lastWords } from './chat/last-words.ts';
import { createChat } from './chat/talk.ts';
import { type ConnectionOrder, createConnection, type Inbound, pause } from './slack/connection.ts';
import { createDesk } from './slack/desk.ts';
import { createDrawing } from './slack/drawing.ts';
import { createHome } from './slack/home.ts';
import { createInstallations, createInstaller } from './slack/installations.ts';
import { createModals } from './slack/modals.ts';
import { createScreen, within } from './slack/screen.ts';
import { createSpeakers } from './slack/speakers.ts';
import { oneWorkspace, severalWorkspaces, type Workspaces } from './slack/workspaces.ts';

/** As in `SlackConfig` of engine/config.ts. */
export interface SlackSettings {
  reach: ConnectionOrder['reach'];
  workspace: { kind: 'one'; botToken: string } | { kind: 'several'; clientId: string; clientSecret: string };
}

export interface SlackOrder {
  config: SlackSettings;
  /** Instead of https://slack.com: `http://host:port`, with or without `/api/`. */
  endpoint?: string;
  /** Where this Keepsake is reached from outside, for installations. */
  url?: string;
  /** For Slack over HTTP, and for people who install the app. */
  port: number;
  /** Further pages on that port, if it is listened on. */
  pages?: readonly Page[];
  services: SurfaceServices;
}

/** How long what is under way may take after the stop; reports wait in the outbox, cards go on at the next start. */
const GRACE = 3_000;

/** `https://slack.com/` from any of the forms that an endpoint is written in. */
export const slackBase = (endpoint = 'https://slack.com'): string =>
  `${endpoint.replace(/\/+$/, '').replace(/\/api$/, '')}/`;

/**
 * The surface, not connected yet. `run` throws `AuthRequired` when Slack refuses a token and `UsageError` when the port is
 * taken; a Slack that is away is tried again, with growing pauses.
 */
export function createSlack({ config, endpoint, url, port, pages = [], services }: SlackOrder): ChatSurface {
  const { clock, log } = services;
  const { reach, workspace } = config;
  const base = slackBase(endpoint);
  const api = `${base}api/`;
  const stop = new AbortController();
  const { signal } = stop;

  const several = workspace.kind === 'several' ? createInstallations(services.vault) : undefined;
  const workspaces: Workspaces =
    workspace.kind === 'one'
      ? oneWorkspace(workspace.botToken, { api, log })
      : severalWorkspaces(several ?? createInstallations(services.vault), { api, log });
  const installer =
    workspace.kind === 'one' || several === undefined
      ? undefined
      : createInstaller({
          ...workspace,
          authorizationUrl: `${base}oauth/v2/authorize`,
          url,
          installations: several,
          changed: workspaces.forget,
          log,
        });

  const drawing = createDrawing(services);
  const speakers = createSpeakers({ workspaces, clock, log });
  const home = createHome({ chat: () => chat, workspaces, speakers, drawing, clock, log, signal });
  const screen = createScreen({ workspaces, drawing, clock, log, changed: home.changed });
  const chat = createChat(services, screen);
  const desk = createDesk({
    chat: () => chat,
    services,
    workspaces,
    installations: several,
    speakers,
    screen,
    drawing,
    modals: createModals(services),
    home,
    signal,
  });

  const inHand = new Set<Promise<void>>();
  const handle = (inbound: Inbound): Promise<void> => {
    const work = desk.handle(inbound);
    inHand.add(work);
    return work.finally(() => inHand.delete(work));
  };

  async function reachable(ended: AbortSignal): Promise<void> {
    for (let failures = 1; !ended.aborted; failures++) {
      try {
        return await within(ended, workspaces.check());
      } catch (error) {
        if (ended.aborted) return;
        if (!(error instanceof RetryLater)) throw error;
        log('warn', 'slack.away', { error });
        await pause(failures, { clock }, ended);
      }
    }
  }

  /** Nothing new comes in any more; what is under way is told, as far as it can be told soon. */
  async function rest(working: Promise<void>): Promise<void> {
    const enough = new AbortController();
    const late = clock.sleep(GRACE, enough.signal).catch(() => {});
    await Promise.race([Promise.allSettled([working, ...inHand, home.rest()]), late]);
    enough.abort();
  }

  return {
    name: 'slack',
    deliverer: chat.deliverer,
    async run(ended, onReady = () => {}) {
      let working: Promise<void> = Promise.resolve();
      try {
        await reachable(ended);
        if (ended.aborted) return;
        working = chat.work(signal);
        const connection = createConnection({ reach, api, port, installer, pages, handle, clock, log });
        await connection.run(ended, onReady);
      } finally {
        await lastWords(inHand, clock);
        stop.abort(ended.reason);
        await rest(working);
      }
    },
  };
}
