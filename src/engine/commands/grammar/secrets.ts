/** Passwords and keys typed into a line: chat servers keep what is typed, so they are refused and never said back. */
import { type Line, replaced } from './reading.ts';

const SECRET =
  /^(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|key|apikey|credentials?|cookies?|otp|pin|authorization|bearer)\d*$/;
/** "access_key_id", "publicKey", "key-file" name something that may be seen. */
const OPEN = /^(?:public|host|id|file|path|name)$/;

/** True for the name of a value that must not be typed into a line. */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
  return words.some((word) => SECRET.test(word)) && !words.some((word) => OPEN.test(word));
}

/** `https://ana:hunter2@example.org`. */
const URL_SECRET = /^[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:[^\s/@]+@/i;

/** Indexes of the words that hold a secret, with what belongs to them. */
function secretWords(line: Line): Set<number> {
  const found = new Set<number>();
  for (const [i, word] of line.words.entries()) {
    const pair = /^[-–—]*([\p{L}][\p{L}\p{N}_.-]*)(=|:)(.*)$/su.exec(word.text);
    const name = pair?.[1] ?? '';
    const value = pair?.[3] ?? '';
    if (URL_SECRET.test(word.text) || URL_SECRET.test(value)) found.add(i);
    // "token:" is also how a location begins ("keys:folder"), so a colon counts only for words of passwords.
    else if (pair && isSecretName(name) && (pair[2] === '=' || /pass|pwd|secret|token|otp/i.test(name))) {
      found.add(i);
      if (value === '') found.add(i + 1);
    } else if (/^[-–—]*(?:password|passwd|passphrase|passwort)$/.test(word.key) && i + 1 < line.words.length) {
      found.add(i);
      found.add(/^(?:is|=|:)$/.test(line.words[i + 1]?.key ?? '') ? i + 2 : i + 1);
    }
  }
  return found;
}

/** The line without its secrets, or undefined when it holds none. `names` says which there were. */
export function withoutSecrets(line: Line): { line: string; names: string[] } | undefined {
  const found = secretWords(line);
  if (found.size === 0) return undefined;
  const names = [...found].flatMap(
    (i) => /^[-–—]*([\p{L}][\p{L}\p{N}_.-]*)(?:=|:(?!\/\/))/u.exec(line.words[i]?.text ?? '')?.[1] ?? [],
  );
  const edits = [...found].map((i) => ({ from: i, to: i + 1, text: '' }));
  return { line: replaced(line, edits), names: [...new Set(names)] };
}
