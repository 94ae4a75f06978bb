/** `npm run mail:sign-in -- google|microsoft`: signs in for mail and prints the line with the refresh token for `.env`. */
import { createInterface } from 'node:readline';
import { systemClock } from './engine/clock.ts';
import { signInSettings } from './engine/config.ts';
import { isKeepsakeError, Stopped, UsageError } from './engine/errors.ts';
import { createHttp } from './engine/http.ts';
import type { OAuthProvider } from './mail/oauth.ts';
import { signIn } from './mail/sign-in.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

function readProvider(word: string | undefined): OAuthProvider {
  if (word === 'google' || word === 'microsoft') return word;
  throw new UsageError(word === undefined ? 'Sign in where?' : `There is no sign-in at "${word}".`, {
    code: 'bad_provider',
    advice: 'Say google or microsoft: npm run mail:sign-in -- google',
  });
}

async function main(argv: readonly string[]): Promise<void> {
  const provider = readProvider(argv[0]);
  const { clientId, clientSecret, endpoint } = signInSettings();
  if (clientId === undefined) {
    throw new UsageError('MAIL_OAUTH_CLIENT_ID is not set.', {
      code: 'bad_config',
      advice: 'Put the client id of your application into .env (docs/mail.md says where it comes from).',
    });
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Stopped('Nothing was changed.')));
  const { http, close } = createHttp({ clock: systemClock, log: () => undefined });
  const terminal = createInterface({ input: process.stdin });
  try {
    const token = await signIn({
      provider,
      clientId,
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...(endpoint === undefined ? {} : { endpoint }),
      http,
      show(url) {
        say(`Open this address in a browser, and sign in with the mailbox of Keepsake:\n\n${url}\n`);
        say('If the browser is on another machine, it ends at a page that cannot be reached: paste its address here.');
      },
      pasted: terminal,
      signal: stop.signal,
    });
    // The one place where a secret is shown: it is what was asked for, by whoever sits here.
    say(`\nSigned in. Put this line into .env, keep it to yourself, and start Keepsake again:\n`);
    say(`MAIL_OAUTH_REFRESH_TOKEN=${token}`);
  } finally {
    terminal.close();
    await close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!isKeepsakeError(error)) throw error;
  complain(`${error.message} ${error.advice}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
