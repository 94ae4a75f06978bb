/** What people do with Keepsake, told once and played on every surface. */
import { rm, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { Need } from './driver.ts';
import type { World } from './world.ts';

export interface Story {
  name: string;
  needs?: readonly Need[];
  play(world: World): Promise<void>;
}

const PHOTOS = { 'photos/a.jpg': 'first', 'photos/b.jpg': 'second', 'photos/trip/IMG_2041.HEIC': 'third' };

/** Ana has a backup "photos" whose first run is over. */
async function backedUp(world: World, words = 'manually'): Promise<void> {
  await world.know('ana', 'owner');
  await world.files(PHOTOS);
  await world.driver.say('ana', `backup ${world.at('photos')} to ${world.at('copy')} ${words} named photos`);
  await world.until('the first run is over', async () => (await world.runs('photos'))[0]?.state === 'done');
  if (!world.driver.name.startsWith('console')) await world.see('ana', 'All 3 photos are safe');
}

/** A run that takes some seconds of real time, and shows how far it is. */
async function slowRun(world: World): Promise<void> {
  await backedUp(world);
  await world.driver.say('ana', 'edit photos limit 100 KB/s');
  await world.until('the limit is kept', async () => (await world.plan('photos'))?.limit !== undefined);
  await writeFile(world.at('photos', 'film.mov'), new Uint8Array(3_000_000).fill(7));
  await world.driver.say('ana', 'run photos');
  await world.until('the run goes on', async () => (await world.runs('photos')).at(-1)?.state === 'running');
}

const newestRun = async (world: World) => (await world.runs('photos')).at(-1);

/** What a run says when it copied the one new file: the film of `slowRun`, or a photo. */
const COPIED = 'The one new video is safe';
const COPIED_PHOTO = 'The one new photo is safe';

export const STORIES: readonly Story[] = [
  {
    name: 'a stranger is told politely, and the code of the log makes an owner',
    needs: ['strangers'],
    async play(world) {
      await world.driver.say('ana', 'status');
      await world.see('ana', 'I do not know you yet');
      const { openClaim } = await import('../../src/engine/people.ts');
      const { store, clock, log } = world.composed.services;
      const code = await openClaim(store, clock, log);
      await world.driver.say('ana', `claim ${code}`);
      await world.see('ana', 'This Keepsake is yours now');
      await world.driver.say('ana', 'status');
      await world.see('ana', 'Nothing is backed up yet');
      // A code that gives everything away must not lie around in a log of lines.
      for await (const line of store.find('audit')) expect(line.line).not.toContain(code);
    },
  },
  {
    name: 'create: said back with dates, then copied',
    async play(world) {
      await world.know('ana', 'owner');
      await world.files(PHOTOS);
      await world.driver.say(
        'ana',
        `backup ${world.at('photos')} to ${world.at('copy')} every friday at 2:00 named photos`,
      );
      const card = await world.see('ana', 'photos is set up');
      expect(card.text).toMatch(/friday/i);
      expect(card.text).toContain('02:00');
      await world.see('ana', 'All 3 photos are safe');
      expect(await world.read('copy', 'trip', 'IMG_2041.HEIC')).toBe('third');
    },
  },
  {
    name: 'did you mean: the button does what was meant',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'pause fotos');
      await world.see('ana', /no (plan|backup) named "fotos"/);
      await world.driver.click('ana', 'photos');
      await world.see('ana', 'photos is paused');
      expect((await world.plan('photos'))?.state).toBe('paused');
    },
  },
  {
    name: 'an ambiguous time is asked about, and a button answers',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'edit photos every day at 2');
      await world.see('ana', /2/);
      await world.driver.click('ana', /14:00|2 pm/i);
      await world.until('the schedule is kept', async () => {
        const schedule = (await world.plan('photos'))?.schedule;
        return schedule !== undefined && 'cron' in schedule && schedule.cron.startsWith('0 14 ');
      });
    },
  },
  {
    name: 'a line with a mistake is mended in a form, not typed again',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'backup photos somewhere else now and then');
      await world.see('ana', 'Nothing was done');
      await world.driver.fill('ana', /Edit/, { 'Your line': 'show photos' });
      await world.see('ana', world.at('copy'));
    },
  },
  {
    name: 'deleting asks first: no leaves it, yes does it, and the copies stay',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'delete photos');
      await world.see('ana', /Delete/);
      await world.driver.click('ana', 'No, leave it');
      await world.see('ana', 'Left as it is');
      expect(await world.plan('photos')).toBeDefined();
      const before = world.driver.seen('ana').length;
      await world.driver.say('ana', 'delete photos');
      await world.until('it is asked again', () => world.driver.seen('ana').length > before);
      await world.driver.click('ana', /^(Yes, )?[Dd]elete/);
      await world.until('the plan is gone', async () => (await world.plan('photos')) === undefined);
      expect(await world.read('copy', 'a.jpg')).toBe('first');
    },
  },
  {
    name: 'a run is one message that is edited until the report stands in its place',
    needs: ['cards'],
    async play(world) {
      await slowRun(world);
      const live = await world.see('ana', /Backing up|Copying|of 4 files|%/);
      const end = await world.see('ana', COPIED);
      expect(end.id).toBe(live.id);
      expect(end.edits).toBeGreaterThan(0);
      expect(world.all('ana', COPIED)).toHaveLength(1);
    },
  },
  {
    name: 'pause and resume by button',
    async play(world) {
      await backedUp(world, 'weekly');
      await world.driver.say('ana', 'show photos');
      await world.driver.click('ana', 'Pause');
      await world.see('ana', 'photos is paused');
      await world.driver.click('ana', 'Resume');
      await world.until('it is active', async () => (await world.plan('photos'))?.state === 'active');
    },
  },
  {
    name: 'run twice: one run, and the second is told how far the first is',
    needs: ['cards'],
    async play(world) {
      await slowRun(world);
      await world.driver.say('ana', 'run photos');
      await world.see('ana', 'Already running');
      await world.see('ana', COPIED);
      expect(await world.runs('photos')).toHaveLength(2);
    },
  },
  {
    name: 'a stale button says who did it and when, and does nothing',
    needs: ['stale buttons'],
    async play(world) {
      await backedUp(world, 'weekly');
      await world.driver.say('ana', 'show photos');
      await world.see('ana', /Result/);
      await world.driver.say('ana', 'pause photos');
      await world.see('ana', 'photos is paused');
      await world.driver.click('ana', 'Pause', { on: /Result/ });
      await world.see('ana', /already|paused (it|photos) (already )?at/i);
    },
  },
  {
    name: 'a double click does it once',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'show photos');
      await world.see('ana', /Result/);
      await world.driver.click('ana', 'Run now', { on: /Result/, twice: true });
      await world.until('it ran', async () => (await world.runs('photos')).length > 1);
      await world.until('it is over', async () => (await newestRun(world))?.state === 'done');
      expect((await world.runs('photos')).filter((run) => run.counts === undefined)).toEqual([]);
      expect(await world.plan('photos')).toBeDefined();
    },
  },
  {
    name: 'restore by words: shown first, then written and checked',
    async play(world) {
      await backedUp(world);
      await rm(world.at('photos', 'a.jpg'));
      await world.driver.say('ana', 'restore photos a.jpg');
      await world.see('ana', 'Restore of photos');
      await world.driver.click('ana', /Restore 1 file|Restore it/);
      await world.see('ana', '1 file restored');
      expect(await world.read('photos', 'a.jpg')).toBe('first');
    },
  },
  {
    name: 'restore from a message: "Restore this", a file, done',
    async play(world) {
      await backedUp(world);
      await rm(world.at('photos', 'trip'), { recursive: true });
      await world.driver.restoreThis('ana', 'All 3 photos are safe', { Files: 'IMG_2041.HEIC' });
      await world.see('ana', 'Restore of photos');
      await world.driver.click('ana', /Restore 1 file|Restore it/);
      await world.see('ana', '1 file restored');
      expect(await world.read('photos', 'trip', 'IMG_2041.HEIC')).toBe('third');
    },
  },
  {
    name: 'find a file and restore it from the list',
    needs: ['menus'],
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'find 2041');
      await world.see('ana', 'IMG_2041.HEIC');
      await world.driver.choose('ana', 'Restore one', /IMG_2041/);
      await world.see('ana', 'Restore of photos');
    },
  },
  {
    name: 'verify reads everything back',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'verify photos full');
      await world.see('ana', /3 files.*(identical|intact|good|right|verified|as they should)|[Aa]ll 3/);
    },
  },
  {
    name: 'a scheduled run that fails is told at once, with the button that mends it',
    needs: ['reports'],
    async play(world) {
      await backedUp(world, 'weekly');
      await rm(world.at('copy'), { recursive: true });
      await world.due('photos');
      const report = await world.see('ana', /did not finish|gone|not there|empty/i, { in: 'private' });
      expect(report.buttons.length).toBeGreaterThan(0);
      await world.driver.click('ana', /fill it again/);
      await world.until('it is mended', async () => (await newestRun(world))?.state === 'done');
      expect(await world.read('copy', 'a.jpg')).toBe('first');
    },
  },
  {
    name: 'a scheduled run that goes well is reported once',
    needs: ['reports'],
    async play(world) {
      await backedUp(world, 'weekly');
      await world.files({ 'photos/new.jpg': 'new' });
      await world.due('photos');
      await world.see('ana', COPIED_PHOTO, { in: 'private' });
      await world.clock.sleep(20_000);
      expect(world.all('ana', COPIED_PHOTO)).toHaveLength(1);
    },
  },
  {
    name: 'one person on two surfaces: a code shown here is typed there',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'link');
      const shown = await world.see('ana', /[2-9B-V]{4}-[2-9B-V]{4}-[2-9B-V]{4}/);
      const code = /[2-9B-V]{4}-[2-9B-V]{4}-[2-9B-V]{4}/.exec(shown.text)?.[0];
      const { callerPerson } = await import('../../src/engine/people.ts');
      const { services, dispatch } = world.composed;
      const elsewhere =
        world.driver.name === 'mail' ? { surface: 'slack', id: 'T1/UANA' } : { surface: 'mail', id: 'ana@example.org' };
      const stranger = await callerPerson(services.store, elsewhere, { clock: world.clock, name: elsewhere.id });
      const signal = new AbortController().signal;
      for await (const reply of dispatch(`link ${code}`, {
        person: stranger,
        surface: elsewhere.surface,
        zone: 'UTC',
        signal,
      }))
        expect(reply.tone).toBe('good');
      await world.driver.say('ana', 'whoami');
      await world.see('ana', elsewhere.id);
      const person = await callerPerson(services.store, elsewhere, { clock: world.clock, name: '' });
      expect(person.id).toBe('ana');
    },
  },
  {
    name: 'forget me: shows what is stored, then nothing is',
    async play(world) {
      await backedUp(world, 'weekly');
      await world.driver.say('ana', 'forget me');
      await world.see('ana', /photos/);
      await world.until('it is asked', () => world.all('ana', 'Answer yes or no').length > 0);
      await world.driver.click('ana', /[Ff]orget|delete/, { on: 'Answer yes or no' });
      const { store } = world.composed.services;
      await world.until('nobody is known', async () => (await store.count('people')) === 0);
      for (const table of ['plans', 'runs', 'accounts', 'catalog', 'snapshots'] as const)
        expect(await store.count(table), table).toBe(0);
      expect(await world.read('copy', 'a.jpg')).toBe('first');
    },
  },
  {
    name: 'a restart in the middle of a run: the same message goes on',
    needs: ['cards'],
    async play(world) {
      await slowRun(world);
      const live = await world.see('ana', /Backing up|Copying|of 4 files|%/);
      await world.restart();
      const end = await world.see('ana', COPIED);
      expect(end.id).toBe(live.id);
      expect(await world.read('copy', 'film.mov')).toHaveLength(3_000_000);
    },
  },
  {
    name: 'an answer that can no longer be changed: the end of the run is told all the same',
    needs: ['expiry'],
    async play(world) {
      await slowRun(world);
      world.driver.expire();
      await world.see('ana', COPIED);
    },
  },
  {
    name: 'a storm of "too many requests" delays the card and nothing else',
    needs: ['cards'],
    async play(world) {
      await slowRun(world);
      world.driver.storm();
      await world.driver.say('ana', 'whoami');
      await world.see('ana', 'owner of this Keepsake');
      await world.see('ana', COPIED);
    },
  },
  {
    name: 'the connection breaks in the middle of a run, and comes back',
    needs: ['connection', 'cards'],
    async play(world) {
      await slowRun(world);
      await world.driver.drop();
      await world.driver.say('ana', 'whoami');
      await world.see('ana', 'owner of this Keepsake');
      await world.see('ana', COPIED);
      expect(world.all('ana', 'owner of this Keepsake')).toHaveLength(1);
    },
  },
  {
    name: 'two people: each has their own, the owner sees all',
    async play(world) {
      await backedUp(world);
      await world.know('ben', 'member');
      await world.driver.say('ben', 'list');
      await world.see('ben', 'No backups yet');
      await world.driver.say('ben', 'run photos');
      await world.see('ben', /no backup/i);
      await world.files({ 'ben/x.txt': 'x' });
      await world.driver.say('ben', `backup ${world.at('ben')} to ${world.at('copy-ben')} manually named notes`);
      await world.until("Ben's backup ran", async () => (await world.runs('notes'))[0]?.state === 'done');
      await world.driver.say('ana', 'list');
      await world.see('ana', 'notes');
      expect(await world.runs('photos')).toHaveLength(1);
    },
  },
  {
    name: 'in a channel answers are private, and a shared backup is not',
    needs: ['channel', 'cards'],
    async play(world) {
      await backedUp(world);
      await world.know('ben', 'member');
      await world.driver.say('ana', 'list', { in: 'channel' });
      await world.see('ana', 'photos');
      expect(world.all('ben', 'photos')).toEqual([]);
      await world.driver.say('ana', 'share photos here', { in: 'channel' });
      await world.see('ben', 'photos', { in: 'channel' });
      await world.files({ 'photos/new.jpg': 'new' });
      await world.driver.say('ana', 'run photos', { in: 'channel' });
      await world.see('ben', COPIED_PHOTO, { in: 'channel' });
    },
  },
  {
    name: 'a form changes the schedule, and says only what was changed',
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', 'show photos');
      await world.driver.fill('ana', 'Edit', { When: 'every day at 04:30' });
      await world.until('the schedule is kept', async () => {
        const plan = await world.plan('photos');
        return plan !== undefined && 'cron' in plan.schedule && plan.schedule.cron === '30 4 * * *';
      });
    },
  },
  {
    name: 'a new backup by form',
    async play(world) {
      await world.know('ana', 'owner');
      await world.files(PHOTOS);
      await world.driver.say('ana', 'status');
      await world.driver.fill('ana', /New backup/, {
        'What to back up': world.at('photos'),
        'Where to': world.at('copy'),
        When: 'weekly',
        Name: 'my photos',
      });
      await world.until('it ran', async () => (await world.runs('my photos'))[0]?.state === 'done');
    },
  },
  {
    name: 'undo takes back a new backup within ten minutes',
    async play(world) {
      await backedUp(world, 'weekly');
      await world.driver.click('ana', 'Undo', { on: 'is set up' });
      await world.until('the plan is gone', async () => (await world.plan('photos')) === undefined);
      expect(await world.read('copy', 'a.jpg')).toBe('first');
    },
  },
  {
    name: 'names that would call everybody are only names',
    async play(world) {
      const names = ['@everyone.jpg', '<!channel> *bold* _x_.jpg', 'a`b~c|d.jpg', '[x](https://evil.example).jpg'];
      await world.know('ana', 'owner');
      await world.files(
        Object.fromEntries(names.map((name) => [`photos/${name}`.replaceAll('https://', 'https:'), 'x'])),
      );
      await world.driver.say('ana', `backup ${world.at('photos')} to ${world.at('copy')} manually named photos`);
      await world.until('it ran', async () => (await world.runs('photos'))[0]?.state === 'done');
      await world.driver.say('ana', 'find jpg');
      await world.see('ana', '@everyone.jpg');
      await world.see('ana', '<!channel> *bold* _x_.jpg');
    },
  },
  {
    name: 'a bare command answers "am I safe?", and help names what there is',
    needs: ['empty lines'],
    async play(world) {
      await backedUp(world);
      await world.driver.say('ana', '');
      await world.see('ana', 'Your backup is current');
      await world.driver.say('ana', 'help');
      await world.see('ana', 'restore');
    },
  },
  {
    name: 'who takes no direct messages is answered where they asked',
    needs: ['closed', 'channel'],
    async play(world) {
      await world.know('ana', 'owner');
      await world.files(PHOTOS);
      world.driver.closeDirect?.('ana');
      await world.driver.say('ana', `backup ${world.at('photos')} to ${world.at('copy')} manually named photos`, {
        in: 'channel',
      });
      await world.see('ana', 'All 3 photos are safe');
      expect(world.all('ben', 'photos')).toEqual([]);
    },
  },
  {
    name: 'the zone is asked for once where the service does not tell it',
    needs: ['zone'],
    async play(world) {
      const ana = await world.know('ana', 'owner');
      const { zone: _, ...rest } = ana;
      await world.composed.services.store.put('people', rest);
      await world.files(PHOTOS);
      await world.driver.say(
        'ana',
        `backup ${world.at('photos')} to ${world.at('copy')} every friday at 2:00 named photos`,
      );
      await world.see('ana', 'Which time zone are you in?');
      await world.driver.choose('ana', 'Your time zone', /Lisbon|London|New.York/);
      await world.see('ana', 'Your time zone is');
      await world.driver.say('ana', `backup ${world.at('photos')} to ${world.at('copy2')} weekly named again`);
      await world.see('ana', 'again is set up');
      expect(world.all('ana', 'Which time zone are you in?')).toHaveLength(1);
    },
  },
];
