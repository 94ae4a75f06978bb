/** The app's home page: "am I safe?" first, then what can be done. Drawn when it is opened, and again after changes. */
import type { Clock, Log, Reply } from '../../engine/types.ts';
import type { Chat, Said } from '../chat/chat.ts';
import type { Drawing } from './drawing.ts';
import type { Origin } from './events.ts';
import { identityOf, type Speakers } from './speakers.ts';
import type { Workspaces } from './workspaces.ts';

/** Two changes in this time are shown at once: a run alone tells several. */
const SETTLE = 2_000;
/** Nobody needs it more often, and Slack counts. */
const BETWEEN = 5_000;
/** People whose page is kept up to date; for others it is drawn when they open it. */
const MOST = 500;

export interface Home {
  opened(origin: Origin): Promise<void>;
  /** `T1/U1`. Draws the page of those who have opened it. */
  changed(person: string): void;
  /** Resolves when no drawing is under way. */
  rest(): Promise<void>;
}

const settings: Reply['blocks'][number] = {
  kind: 'choices',
  menu: 'Settings',
  choices: [
    { label: 'All backups', line: 'list' },
    { label: 'Accounts', line: 'accounts' },
    { label: 'Time zone', line: 'timezone' },
    { label: 'Link another place', line: 'link' },
    { label: 'Who I am here', line: 'whoami' },
    { label: 'Forget me', line: 'forget me' },
    { label: 'Help', line: 'help' },
  ],
};

export function createHome(o: {
  chat: () => Chat;
  workspaces: Workspaces;
  speakers: Speakers;
  drawing: Drawing;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}): Home {
  const { workspaces, drawing, clock, log, signal } = o;
  const open = new Map<string, { origin: Origin; drawn: number }>();
  const waiting = new Set<string>();
  const drawings = new Set<Promise<void>>();

  const saidBy = async (origin: Origin, about: string): Promise<Omit<Said, 'line'>> => ({
    // Each drawing is an event of its own: "already answered" would be no page.
    key: `${origin.key}/${about}/${clock.now().getTime()}`,
    by: await o.speakers.of(origin),
    where: { conversation: `${origin.team}/home`, alone: true },
  });

  async function replies(origin: Origin): Promise<Reply[]> {
    const status = await o.chat().ask({ ...(await saidBy(origin, 'status')), line: 'status' });
    const form = await o.chat().form('new', await saidBy(origin, 'new'));
    // Strangers are told by the answer itself how to get in, and nothing else is theirs to do.
    if (status.some((reply) => reply.outcome === 'refused')) return status;
    const there = status.some(({ blocks }) =>
      blocks.some((block) => block.kind === 'form' && block.line === form?.line),
    );
    const forms = form === undefined || there ? [] : [form];
    return [...status, { tone: 'plain', title: 'What next?', blocks: [...forms, settings] }];
  }

  async function draw(origin: Origin): Promise<void> {
    try {
      const view = await drawing.home(await replies(origin));
      const { call } = await workspaces.of(origin.team, origin.enterprise);
      await call('views.publish', { user_id: origin.user, view });
    } catch (error) {
      // The page is a view of what the commands say; it is drawn again at the next change or opening.
      if (!signal.aborted) log('warn', 'slack.home', { error });
    }
  }

  const tracked = (work: Promise<void>): Promise<void> => {
    drawings.add(work);
    return work.finally(() => drawings.delete(work));
  };

  async function later(person: string): Promise<void> {
    const page = open.get(person);
    if (!page || waiting.has(person)) return;
    waiting.add(person);
    try {
      const due = page.drawn + BETWEEN - clock.now().getTime();
      await clock.sleep(Math.max(SETTLE, due), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    } finally {
      waiting.delete(person);
    }
    page.drawn = clock.now().getTime();
    await draw(page.origin);
  }

  return {
    async opened(origin) {
      const person = identityOf(origin);
      open.delete(person);
      open.set(person, { origin, drawn: clock.now().getTime() });
      const [oldest] = open.keys();
      if (open.size > MOST && oldest !== undefined) open.delete(oldest);
      await tracked(draw(origin));
    },
    changed: (person) => void tracked(later(person)),
    rest: async () => void (await Promise.allSettled(drawings)),
  };
}
