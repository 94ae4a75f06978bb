/** Reads TypeScript far enough to know what a file imports and which words stand in its code (not in its strings or comments). */

export interface SourceFile {
  /** From the project's root, with `/`. */
  path: string;
  text: string;
}

export interface Import {
  /** As written. */
  specifier: string;
  /** `import type`: gone when the program runs, but still a dependency between files. */
  typeOnly: boolean;
  dynamic: boolean;
}

export interface Lexed {
  /** The code with the contents of strings, templates, comments and regular expressions blanked; same length, same lines. */
  code: string;
  imports: Import[];
}

/** After one of these a `/` begins a regular expression, not a division. */
const BEFORE_REGEXP = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|yield|await|throw))\s*$/;

/**
 * One pass with the lexer states that TypeScript has. Template expressions (`${...}`) are code. Strings keep their quotes,
 * and their contents are kept apart by position, so that an import's specifier can be read back.
 */
export function lex(text: string): Lexed {
  const out = text.split('');
  const blank = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  const strings = new Map<number, string>();
  /** Depth of braces at which each open template goes on. */
  const templates: number[] = [];
  let depth = 0;
  let i = 0;

  const template = (start: number): number => {
    let at = start;
    while (at < text.length) {
      if (text[at] === '\\') at += 2;
      else if (text[at] === '`') {
        blank(start, at);
        return at + 1;
      } else if (text[at] === '$' && text[at + 1] === '{') {
        blank(start, at);
        templates.push(depth);
        depth++;
        return at + 2;
      } else at++;
    }
    return at;
  };

  while (i < text.length) {
    const c = text[i];
    if (c === '/' && text[i + 1] === '/') {
      const end = text.indexOf('\n', i);
      blank(i, end < 0 ? text.length : end);
      i = end < 0 ? text.length : end;
    } else if (c === '/' && text[i + 1] === '*') {
      const end = text.indexOf('*/', i + 2);
      blank(i, end < 0 ? text.length : end + 2);
      i = end < 0 ? text.length : end + 2;
    } else if (c === "'" || c === '"') {
      let at = i + 1;
      while (at < text.length && text[at] !== c && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
      strings.set(i, text.slice(i + 1, at));
      blank(i + 1, at);
      i = at + 1;
    } else if (c === '`') {
      const end = text.indexOf('`', i + 1);
      const plain = text.slice(i + 1, end);
      if (end > 0 && !plain.includes('${')) strings.set(i, plain);
      i = template(i + 1);
    } else if (c === '/' && BEFORE_REGEXP.test(out.slice(Math.max(0, i - 40), i).join(''))) {
      let at = i + 1;
      let set = false;
      while (at < text.length && text[at] !== '\n' && (set || text[at] !== '/')) {
        if (text[at] === '\\') at++;
        else if (text[at] === '[') set = true;
        else if (text[at] === ']') set = false;
        at++;
      }
      blank(i + 1, at);
      i = at + 1;
    } else {
      if (c === '{') depth++;
      if (c === '}') {
        depth--;
        if (templates.at(-1) === depth) {
          templates.pop();
          i = template(i + 1);
          continue;
        }
      }
      i++;
    }
  }

  const code = out.join('');
  const imports: Import[] = [];
  const found = (at: number, typeOnly: boolean, dynamic: boolean): void => {
    const specifier = strings.get(at);
    imports.push({ specifier: specifier ?? '(computed)', typeOnly, dynamic });
  };
  for (const match of code.matchAll(/(?<![.\w$])(import|export)\b\s*(type\b)?(?:[\w$*{}\s,]*?\bfrom\s*)?(?=['"])/g)) {
    if (match[1] === 'export' && !match[0].includes('from')) continue;
    const afterType = match[0].replace(/^(?:import|export)\s*/, '');
    // `import type from './x.ts'` would import a value of the name `type`.
    found(match.index + match[0].length, match[2] !== undefined && !/^type\s+from\b/.test(afterType), false);
  }
  for (const match of code.matchAll(/(?<![.\w$])(?:import|require|import\.meta\.resolve)\s*\(\s*/g)) {
    const at = match.index + match[0].length;
    const before = code.slice(0, match.index);
    // `typeof import('x')` and `import('x').Name` in a type position vanish, but are dependencies all the same.
    found(at, /\btypeof\s+$/.test(before), true);
  }
  if (/\bcreateRequire\b/.test(code)) imports.push({ specifier: '(computed)', typeOnly: false, dynamic: true });
  return { code, imports };
}

/** The project file that a relative specifier of `from` means. */
export function resolveImport(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** `@scope/name` or `name` of a package; `undefined` for built-in modules and files. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || specifier.startsWith('(')) return undefined;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}
