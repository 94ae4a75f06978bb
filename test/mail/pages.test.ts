/** The pages that mails link to, over a real port: opening never acts, pressing acts once. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/engine/clock.ts';
import { createDispatch } from '../../src/engine/commands/dispatch.ts';
import { formFor } from '../../src/engine/commands/form-for.ts';
import { createMailServices } from '../../src/engine/mail-services.ts';
import { callerPerson } from '../../src/engine/people.ts';
import type { MailServices } from '../../src/engine/services.ts';
import { createSurfaceServices } from '../../src/engine/surface.ts';
import type { Person, Plan } from '../../src/engine/types.ts';
import { mailPages } from '../../src/mail/pages.ts';
import { pageAt, serve } from '../../src/web/serve.ts';
import { all, linesOf, openWorld, type World } from '../commands/world.ts';

let world: World;
let services: MailServices;
let ana: Person;
let base: string;
let stop: AbortController;
let serving: Promise<void>;

beforeEach(async () => {
  world = await openWorld();
  const dispatch = createDispatch(world.services);
  services = createMailServices(
    world.services,
    createSurfaceServices(world.services, {
      dispatch,
      suggest: async () => [],
      form: (what, caller) => formFor(world.services, caller, what),
    }),
  );
  ana = await callerPerson(
    world.store,
    { surface: 'terminal', id: 'ana' },
    { clock: world.clock, name: 'Ana', trusted: true },
  );
  for (const name of ['Pictures', 'usb']) await mkdir(join(world.folder, name));
  await writeFile(join(world.folder, 'Pictures', 'a.jpg'), 'aaaa');
  const line = `backup ${join(world.folder, 'Pictures')} to ${join(world.folder, 'usb')} named photos`;
  await all(dispatch(line, world.caller(ana, { surface: 'terminal' })));
  stop = new AbortController();
  const { clock, log } = world.services;
  base = await new Promise<string>((resolve) => {
    serving = serve({
      port: 0,
      // Only the page waits in real time: for what is done meanwhile.
      pages: mailPages({ ...services, clock: systemClock }, stop.signal),
      clock,
      log,
      signal: stop.signal,
      onReady: (port) => resolve(`http://127.0.0.1:${port}`),
    });
  });
});
afterEach(async () => {
  stop.abort();
  await serving;
  await world.close();
});

const plan = async (): Promise<Plan | undefined> => (await all(world.store.find('plans')))[0];
const post = (path: string, body = ''): Promise<Response> =>
  fetch(`${base}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    redirect: 'error',
  });

async function question(): Promise<string> {
  const caller = world.caller(ana, { surface: 'mail', proof: { verified: true } });
  const asked = (await all(services.dispatch('pause photos', caller))).at(-1);
  if (!asked) throw new Error('Nothing was asked.');
  return services.tokens.reply({ person: ana.id, confirm: linesOf(asked)[0] ?? '', question: asked.title });
}

describe('the page that ends mails', () => {
  it('opening it changes nothing, the button does', async () => {
    const token = await services.tokens.unsubscribe({ person: ana.id, plan: (await plan())?.id ?? '' });
    const page = await fetch(`${base}/mail/unsubscribe/${token}`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<form method="post">');
    expect((await plan())?.mailed).toBeUndefined();
    expect((await post(`/mail/unsubscribe/${token}`)).status).toBe(200);
    expect((await plan())?.mailed).toBe(false);
  });

  it('one click of a mail program is enough (RFC 8058): a POST without cookie, login or redirect', async () => {
    const token = await services.tokens.unsubscribe({ person: ana.id });
    const answer = await post(`/mail/unsubscribe/${token}`, 'List-Unsubscribe=One-Click');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect((await plan())?.mailed).toBe(false);
  });

  it('a token of another kind, an unknown one and a huge body end nothing', async () => {
    const reply = await services.tokens.reply({ person: ana.id });
    const right = await services.tokens.unsubscribe({ person: ana.id });
    expect((await post(`/mail/unsubscribe/${reply}`)).status).toBe(404);
    expect((await post(`/mail/unsubscribe/${'a'.repeat(26)}`)).status).toBe(404);
    expect((await post(`/mail/unsubscribe/${right}`, 'x'.repeat(100_000))).status).toBe(404);
    expect((await plan())?.mailed).toBeUndefined();
  });
});

describe('the page that answers a question', () => {
  it('shows what is asked; opening it does nothing', async () => {
    const page = await fetch(`${base}/mail/confirm/${await question()}`);
    expect(await page.text()).toContain('Did you write this: pause photos');
    expect((await plan())?.state).toBe('active');
  });

  it('yes does it, and a second yes is told that it is done', async () => {
    const token = await question();
    const answer = await post(`/mail/confirm/${token}`, 'answer=yes');
    expect(answer.status).toBe(200);
    expect((await plan())?.state).toBe('paused');
    const again = await (await post(`/mail/confirm/${token}`, 'answer=yes')).text();
    expect(again).toMatch(/already/);
  });

  it('no leaves it, and then yes does nothing any more', async () => {
    const token = await question();
    expect(await (await post(`/mail/confirm/${token}`, 'answer=no')).text()).toContain('Left as it is');
    await post(`/mail/confirm/${token}`, 'answer=yes');
    expect((await plan())?.state).toBe('active');
  });

  it('anything else does nothing', async () => {
    const token = await question();
    for (const body of ['', 'answer=maybe', 'answer=delete photos']) {
      expect((await post(`/mail/confirm/${token}`, body)).status).toBe(404);
    }
    expect((await post(`/mail/confirm/${await services.tokens.reply({ person: ana.id })}`, 'answer=yes')).status).toBe(
      404,
    );
    expect((await plan())?.state).toBe('active');
  });

  it('a hostile question opens no tag, and no page can be framed or run a script', async () => {
    const token = await services.tokens.reply({
      person: ana.id,
      confirm: 'yes 12345678',
      question: '<script>alert(1)</script>',
    });
    const page = await fetch(`${base}/mail/confirm/${token}`);
    const csp = page.headers.get('content-security-policy') ?? '';
    expect(csp).toContain("default-src 'none'");
    expect(csp).toContain("frame-ancestors 'none'");
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await page.text()).not.toContain('<script');
  });
});

describe('the port', () => {
  it('is alive, and knows no other page', async () => {
    expect(await (await fetch(`${base}/healthz`)).text()).toBe('ok\n');
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(`${base}/mail/confirm/`)).status).toBe(404);
    expect((await fetch(`${base}/mail/confirm/x/y`)).status).toBe(404);
    expect((await fetch(`${base}/mail/confirm/x`, { method: 'DELETE' })).status).toBe(405);
  });

  it('says what is wrong when it is taken', async () => {
    const { clock, log } = world.services;
    const port = Number(new URL(base).port);
    await expect(serve({ port, pages: [], clock, log, signal: stop.signal })).rejects.toMatchObject({
      code: 'port_taken',
    });
  });

  it('finds pages by whole parts of the path', () => {
    const page = { path: '/a/:b/c', methods: ['GET'] as const, handle: async () => {} };
    expect(pageAt([page], '/a/x/c')?.params).toEqual({ b: 'x' });
    for (const path of ['/a//c', '/a/x/c/', '/a/x', 'a/x/c', '//a/x/c']) expect(pageAt([page], path)).toBeUndefined();
  });
});
