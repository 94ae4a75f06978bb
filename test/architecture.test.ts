/** The import rules of docs/architecture.md hold for the whole of src/, and each rule catches what it is there for. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of source code are the test data here
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { violations } from './architecture/rules.ts';
import { lex, type SourceFile } from './architecture/source.ts';

const root = join(import.meta.dirname, '..');

const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));

const read = (path: string): SourceFile => ({ path, text: readFileSync(join(root, path), 'utf8') });
const files = filesBelow('src').map(read);
const tests = filesBelow('test').map(read);
const manifest: { dependencies: Record<string, string> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const dependencies = Object.keys(manifest.dependencies);

describe('the project', () => {
  it('keeps every rule', () => {
    expect(violations({ files, tests, dependencies })).toEqual([]);
  });

  it('was really read', () => {
    expect(files.length).toBeGreaterThan(20);
    const imports = files.flatMap(({ text }) => lex(text).imports);
    expect(imports.length).toBeGreaterThan(files.length);
  });
});

/** One deliberate violation each: a file that is added to a small clean project, and a word of what must be said about it. */
const sabotage: [name: string, path: string, text: string, says: RegExp][] = [
  ['types.ts imports', 'src/engine/types.ts', "import type { A } from './errors.ts';", /imports nothing/],
  ['errors.ts imports', 'src/engine/errors.ts', "import { inspect } from 'node:util';", /imports nothing/],
  ['errors.ts re-exports', 'src/engine/errors.ts', "export * from './path.ts';", /imports nothing/],
  ['a pure file reads a file', 'src/engine/backup/decide.ts', "import { readFileSync } from 'node:fs';", /It is pure/],
  ['… lazily', 'src/engine/backup/guard.ts', "const fs = await import('node:fs/promises');", /It is pure/],
  ['… through another file', 'src/engine/backup/report.ts', "import { readConfig } from '../config.ts';", /not pure/],
  ['… through a package', 'src/engine/commands/grammar.ts', "import { request } from 'undici';", /It is pure/],
  ['… reads the clock', 'src/engine/commands/schedule.ts', 'export const now = () => Date.now();', /Date\.now/],
  ['… by the constructor', 'src/engine/backup/retention.ts', 'export const now = () => new Date();', /new Date/],
  ['… by a bare constructor', 'src/engine/backup/retention.ts', 'export const now = () => new Date;', /new Date/],
  ['… by luxon', 'src/engine/commands/schedule.ts', "import { DateTime } from 'luxon'; DateTime.now();", /DateTime/],
  ['… throws dice', 'src/bots/slack-render.ts', 'export const id = Math.random();', /Math\.random/],
  ['… makes ids', 'src/mail/render.ts', "import { randomUUID } from 'node:crypto';\nrandomUUID();", /randomness/],
  ['… asks the process', 'src/bots/console-render.ts', 'export const w = process.stdout.columns;', /uses process/],
  ['… in a template', 'src/bots/console-render.ts', 'export const w = `at ${Date.now()}`;', /Date\.now/],
  ['… sets a timer', 'src/engine/backup/layout.ts', 'setTimeout(() => {}, 1);', /timer/],
  [
    'the engine knows a provider',
    'src/engine/http.ts',
    "import { kind } from '../providers/local.ts';",
    /ground floor|knows no provider/,
  ],
  ['… as a type', 'src/engine/http.ts', "import type { Kind } from '../providers/local.ts';", /knows no provider/],
  ['… lazily', 'src/engine/http.ts', "await import('../bots/console-text.ts');", /knows no provider/],
  ['… as typeof import', 'src/engine/http.ts', "type A = typeof import('../providers/local.ts');", /knows no provider/],
  [
    'a provider reaches for the store',
    'src/providers/local.ts',
    "import type { S } from '../engine/config.ts';",
    /ProviderContext/,
  ],
  ['… for another provider', 'src/providers/local.ts', "import { kind } from './index.ts';", /ProviderContext/],
  ['… for its own HTTP', 'src/providers/local.ts', "import { request } from 'node:https';", /ProviderContext/],
  ['… for fetch', 'src/providers/local.ts', "export const go = () => fetch('https://example.org');", /calls fetch/],
  ['a lib of providers reaches up', 'src/providers/lib/x.ts', "import { kind } from '../local.ts';", /ProviderContext/],
  ['a surface thinks', 'src/bots/console.ts', "import { readConfig } from '../engine/config.ts';", /does not think/],
  ['… knows another', 'src/bots/console.ts', "import { x } from '../mail/eml.ts';", /does not think/],
  ['the environment is read', 'src/engine/http.ts', 'const a = process.env.HOME;', /Only config\.ts/],
  ['… by index', 'src/engine/http.ts', "const a = process['env'].HOME;", /Only config\.ts/],
  ['… taken apart', 'src/engine/http.ts', 'const { env } = process;', /Only config\.ts/],
  ['… imported', 'src/engine/http.ts', "import { env } from 'node:process';", /Only config\.ts/],
  ['… in a template', 'src/engine/http.ts', 'const a = `${process.env.HOME}`;', /Only config\.ts/],
  ['a second owner', 'src/engine/places.ts', "import { Agent } from 'undici';", /One owner/],
  ['… of a part of it', 'src/engine/places.ts', "import x from 'nodemailer/lib/mail-composer/index.js';", /One owner/],
  ['… lazily', 'src/main.ts', "await import('sharp');", /One owner/],
  ['a program is imported', 'src/engine/http.ts', "import '../cli.ts';", /Nobody imports a program/],
  ['a part composes', 'src/bots/console.ts', "import { compose } from '../compose.ts';", /Only the programs/],
  ['a file is missing', 'src/main.ts', "import { a } from './nowhere.ts';", /not there/],
  ['an import is computed', 'src/main.ts', 'const x = await import(`./${name}.ts`);', /computed/],
  ['… by require', 'src/main.ts', "import { createRequire } from 'node:module';", /computed/],
  ['the program imports a test', 'src/main.ts', "import { a } from '../test/a.ts';", /never the other way/],
  ['a built-in without node:', 'src/main.ts', "import fs from 'fs';", /node:/],
  ['a long file', 'src/engine/http.ts', 'export const a = 1;\n'.repeat(401), /401 lines/],
  ['any as a type', 'src/engine/http.ts', 'export const a: any = 1;', /says any/],
  ['any in brackets', 'src/engine/http.ts', 'export const a = new Map<string, any>();', /says any/],
  ['any by cast', 'src/engine/http.ts', 'export const a = (1 as any).b;', /says any/],
  ['a driver nobody lists', 'src/providers/extra.ts', 'export const kind = 1;', /not in src\/providers\/index\.ts/],
  ['a driver without its suite', 'src/providers/extra.ts', 'export const kind = 1;', /no contract test/],
  ['a package that is not ours', 'src/main.ts', "import x from 'left-pad';", /not in "dependencies"/],
];

const clean: SourceFile[] = [
  { path: 'src/engine/types.ts', text: 'export type A = string;' },
  { path: 'src/engine/errors.ts', text: 'export class UsageError extends Error {}' },
  { path: 'src/engine/path.ts', text: "import { UsageError } from './errors.ts';" },
  { path: 'src/engine/config.ts', text: 'export const readConfig = () => process.env;' },
  { path: 'src/engine/http.ts', text: "import { request } from 'undici';" },
  { path: 'src/bots/console-text.ts', text: '' },
  { path: 'src/mail/compose.ts', text: "import composer from 'nodemailer/lib/mail-composer/index.js';" },
  { path: 'src/demo/library.ts', text: "import sharp from 'sharp';" },
  { path: 'src/engine/commands/schedule.ts', text: "import { DateTime } from 'luxon';" },
  { path: 'src/providers/local.ts', text: "import { UsageError } from '../engine/errors.ts';" },
  { path: 'src/providers/index.ts', text: "export const kinds = { local: () => import('./local.ts') };" },
  { path: 'src/compose.ts', text: '' },
  { path: 'src/cli.ts', text: "import { compose } from './compose.ts';" },
  { path: 'src/main.ts', text: "import { compose } from './compose.ts';" },
];
const small = {
  tests: [
    {
      path: 'test/providers/local.test.ts',
      text: "import { kind } from '../../src/providers/local.ts'; import { providerContract } from '../contract/provider.ts';",
    },
    { path: 'test/providers/extra.test.ts', text: "import { kind } from '../../src/providers/extra.ts';" },
  ],
  dependencies: ['undici', 'nodemailer', 'sharp', 'luxon', 'node'],
};

describe('sabotage', () => {
  it('starts from a project without a violation', () => {
    expect(violations({ ...small, files: clean })).toEqual([]);
  });

  it.each(sabotage)('%s: caught', (_name, path, text, says) => {
    const files = [...clean.filter((file) => file.path !== path), { path, text }];
    const found = violations({ ...small, files });
    expect(found.join('\n')).toMatch(says);
    expect(found.some((line) => line.startsWith(`${path}: `))).toBe(true);
  });

  it('an unused dependency: caught', () => {
    const found = violations({ ...small, files: clean, dependencies: [...small.dependencies, 'left-pad'] });
    expect(found).toEqual([expect.stringMatching(/left-pad is imported nowhere/)]);
  });
});

describe('the lexer', () => {
  it.each([
    ["// import { a } from 'undici';", 'in a comment'],
    ["/* await import('undici') */", 'in a block comment'],
    ['const a = "import x from \'undici\'";', 'in a string'],
    ["const a = `import 'undici'`;", 'in a template'],
    ["const a = /import 'undici'/;", 'in a regular expression'],
    ["const a = { import: 'undici' };", 'as a key'],
    ["export const a = 'undici';", 'as an exported text'],
    ["reader.import('undici');", 'as a method'],
  ])('%s imports nothing (%s)', (text) => {
    expect(lex(text).imports).toEqual([]);
  });

  it.each([
    ["import 'a';", { specifier: 'a', typeOnly: false, dynamic: false }],
    ["import a, { type b, c as d } from 'a';", { specifier: 'a', typeOnly: false, dynamic: false }],
    ["import type { b } from 'a';", { specifier: 'a', typeOnly: true, dynamic: false }],
    ["import\n  * as x\n  from 'a';", { specifier: 'a', typeOnly: false, dynamic: false }],
    ["export { b } from 'a';", { specifier: 'a', typeOnly: false, dynamic: false }],
    ["export type { b } from 'a';", { specifier: 'a', typeOnly: true, dynamic: false }],
    ["const x = await import( 'a' );", { specifier: 'a', typeOnly: false, dynamic: true }],
    ["const x = a / b; import('a'); // '", { specifier: 'a', typeOnly: false, dynamic: true }],
    ['const x = `${await import("a")}`;', { specifier: 'a', typeOnly: false, dynamic: true }],
    ["const x = /['\"`]/; import 'a';", { specifier: 'a', typeOnly: false, dynamic: false }],
  ])('%s', (text, expected) => {
    expect(lex(text).imports).toEqual([expected]);
  });
});
