/** A browser that installs the app: as far as Slack's consent page, and back. */

/** Follows the app's redirect, agrees on the consent page, and goes back with the cookie. */
export async function browse(
  address: string,
  user: string,
): Promise<{ status: number; text: string; callback: string }> {
  const begun = await fetch(address, { redirect: 'manual' });
  const cookie = begun.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const page =
    begun.headers.get('location') ?? /href="([^"]*\/oauth\/v2\/authorize[^"]*)"/.exec(await begun.text())?.[1];
  if (page === undefined || page === null) throw new Error(`${address} leads to no consent page (${begun.status})`);
  const consented = new URL(page.replaceAll('&amp;', '&'));
  const shown = await fetch(consented);
  if (!shown.ok) return { status: shown.status, text: await shown.text(), callback: '' };
  await shown.arrayBuffer();
  const form = new URLSearchParams(consented.searchParams);
  form.set('user', user);
  const agreed = await fetch(`${consented.origin}${consented.pathname}`, {
    method: 'POST',
    body: form,
    redirect: 'manual',
  });
  const callback = agreed.headers.get('location') ?? '';
  await agreed.arrayBuffer();
  const last = await fetch(callback, { headers: { cookie }, redirect: 'manual' });
  return { status: last.status, text: await last.text(), callback };
}
