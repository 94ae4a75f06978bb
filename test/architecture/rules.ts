/** The rules of docs/architecture.md as a function over source files; each finding ends with the reason for its rule. */
import { type Import, lex, packageOf, resolveImport, type SourceFile } from './source.ts';

export interface Project {
  /** Everything below src/. */
  files: readonly SourceFile[];
  /** Everything below test/. */
  tests: readonly SourceFile[];
  /** Names in package.json's dependencies. */
  dependencies: readonly string[];
}

interface Seen {
  path: string;
  code: string;
  lines: number;
  imports: (Import & { target: string | undefined; pack: string | undefined })[];
}

type Rule = (file: Seen, project: { files: ReadonlyMap<string, Seen> }) => string[];

/** Text in, text out: they decide about people's files, so they must be testable by tables and give the same answer twice. */
export const PURE =
  /^src\/(engine\/(types|errors|path|wording|visible|form)|engine\/commands\/(grammar|schedule)(\/[\w-]+|-[\w-]+)?|engine\/backup\/(decide|filter|layout|retention|run-id|guard|verdict|report|report-targets|missed|digest)|bots\/(\w+\/)?([\w-]+-render|[\w-]+-text|[\w-]+-lines|pace)|mail\/(render|address|reply|said|trust|automatic|bounce|forward)|mail\/reply\/[\w-]+|mail\/[\w-]+-render)\.ts$/;

/** Packages that compute and touch nothing. */
const PURE_PACKAGES = new Set(['luxon', 'cron-parser', 'chrono-node', 'picomatch', 'zod', 'htmlparser2']);
/** Built-in modules that compute and touch nothing. `node:crypto` is used for digests; its random functions are caught by name. */
const PURE_BUILTINS = new Set(['node:crypto', 'node:util', 'node:buffer', 'node:path']);

const IMPURE_WORDS: readonly [RegExp, string][] = [
  [/\bDate\s*\.\s*now\b/, 'Date.now()'],
  [/\bnew\s+Date\s*(\(\s*\)|(?![\s\w(.]))/, 'new Date()'],
  [/(?<!new\s+)(?<![.\w$])Date\s*\(\s*\)/, 'Date()'],
  [/\bDateTime\s*\.\s*(now|utc|local)\s*\(\s*\)/, 'DateTime.now()'],
  [/\bDateTime\s*\.\s*now\b/, 'DateTime.now()'],
  [/\bTemporal\s*\.\s*Now\b/, 'Temporal.Now'],
  [/\bMath\s*\.\s*random\b/, 'Math.random()'],
  [/\bperformance\s*\.\s*now\b/, 'performance.now()'],
  [/\brandom(UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b/, 'randomness'],
  [/(?<![.\w$])process\s*[.[]/, 'process'],
  [/(?<![.\w$])(fetch|setTimeout|setInterval|setImmediate)\s*\(/, 'a timer or the network'],
  [/(?<![.\w$])console\s*\./, 'console'],
];

/** One file that knows a heavy or dangerous package; everyone else knows only our own interface. */
const OWNERS: Readonly<Record<string, RegExp>> = {
  agenda: /^src\/engine\/(scheduler|store\/agenda-sqlite)\.ts$/,
  '@agendajs/mongo-backend': /^src\/engine\/scheduler\.ts$/,
  mongodb: /^src\/engine\/store\/mongo\.ts$/,
  undici: /^src\/engine\/http\.ts$/,
  ssh2: /^src\/providers\/sftp(\/connection)?\.ts$/,
  nodemailer: /^src\/mail\/(compose|smtp)\.ts$/,
  imapflow: /^src\/mail\/imap(\/connection)?\.ts$/,
  mailauth: /^src\/mail\/authenticate\.ts$/,
  'postal-mime': /^src\/mail\/parse(\/worker)?\.ts$/,
  htmlparser2: /^src\/mail\/(reply\/)?[\w-]*html[\w-]*\.ts$/,
  'smtp-server': /^src\/mail\/inbound\.ts$/,
  puppeteer: /^src\/mail\/pdf(\/browser)?\.ts$/,
  '@sparticuz/chromium': /^src\/mail\/pdf(\/browser)?\.ts$/,
  '@slack/bolt': /^src\/bots\/slack(\/connection)?\.ts$/,
  'discord.js': /^src\/bots\/discord(\/connection)?\.ts$/,
  sharp: /^src\/(demo\/library|engine\/backup\/contact-sheet)\.ts$/,
  'fast-xml-parser': /^src\/providers\/lib\/xml\.ts$/,
  'chrono-node': /^src\/engine\/commands\/schedule/,
  'cron-parser': /^src\/engine\/commands\/schedule/,
  picomatch: /^src\/engine\/backup\/filter\.ts$/,
};

const isSurface = (path: string): boolean => /^src\/(bots|mail|web)\//.test(path);
const isProvider = (path: string): boolean => /^src\/providers\/(?!index\.ts$)/.test(path);
const ROOTS = /^src\/(main|cli|demo|terminal|mail-sign-in)\.ts$/;

const because = (file: Seen, what: string, why: string): string => `${file.path}: ${what}. ${why}`;

const rules: Rule[] = [
  function nounsImportNothing(file) {
    if (!/^src\/engine\/(types|errors)\.ts$/.test(file.path)) return [];
    return file.imports.map((one) =>
      because(
        file,
        `imports ${one.specifier}`,
        'It imports nothing, so that every file may import it without a circle.',
      ),
    );
  },

  function pureFiles(file, { files }) {
    if (!PURE.test(file.path)) return [];
    const why =
      'It is pure: it does no I/O and reads no clock, so that tables can test it and it answers the same twice.';
    const found = IMPURE_WORDS.filter(([word]) => word.test(file.code)).map(([, name]) =>
      because(file, `uses ${name}`, why),
    );
    for (const { specifier, typeOnly, target, pack } of file.imports) {
      if (typeOnly) continue;
      if (target !== undefined) {
        if (files.has(target) && !PURE.test(target))
          found.push(because(file, `imports ${target}, which is not pure`, why));
      } else if (pack === undefined ? !PURE_BUILTINS.has(specifier) : !PURE_PACKAGES.has(pack)) {
        found.push(because(file, `imports ${specifier}`, why));
      }
    }
    return found;
  },

  function engineIsTheGroundFloor(file) {
    if (!file.path.startsWith('src/engine/')) return [];
    return file.imports
      .filter(({ target }) => target?.startsWith('src/') && !target.startsWith('src/engine/'))
      .map(({ target }) =>
        because(
          file,
          `imports ${target}`,
          'The engine knows no provider, no chat, no mail: they are handed to it, or a new one would mean changing it.',
        ),
      );
  },

  function providersKnowLittle(file) {
    if (!isProvider(file.path)) return [];
    const name = /^src\/providers\/([^/.]+)/.exec(file.path)?.[1] ?? '';
    const why =
      'A provider imports engine/{types,errors,path}, providers/lib, its own folder and its own SDK; HTTP, tokens, log and clock come in as ProviderContext, so that limits, retries and redaction hold for it too.';
    const found: string[] = [];
    for (const { specifier, target } of file.imports) {
      const ours =
        target === undefined ||
        /^src\/engine\/(types|errors|path)\.ts$/.test(target) ||
        target.startsWith('src/providers/lib/') ||
        (name !== 'lib' && target.startsWith(`src/providers/${name}/`)) ||
        (name !== 'lib' && target === `src/providers/${name}.ts`);
      if (!ours) found.push(because(file, `imports ${target}`, why));
      if (/^(node:)?(https?|http2|process|child_process)$/.test(specifier))
        found.push(because(file, `imports ${specifier}`, why));
      if (/^(node:)?fs(\/promises)?$/.test(specifier) && name !== 'local')
        found.push(because(file, `imports ${specifier}`, why));
    }
    if (/(?<![.\w$])fetch\s*\(/.test(file.code)) found.push(because(file, 'calls fetch()', why));
    return found;
  },

  function surfacesCarry(file) {
    if (!isSurface(file.path)) return [];
    const own = file.path.split('/').slice(0, 2).join('/');
    return file.imports
      .filter(({ target, typeOnly }) => {
        if (target === undefined || target.startsWith(`${own}/`)) return false;
        if (/^src\/engine\/(types|errors|path|wording|visible|form)\.ts$/.test(target)) return false;
        return !(typeOnly && /^src\/engine\/(services|mail-config|commands\/dispatch)\.ts$/.test(target));
      })
      .map(({ target }) =>
        because(
          file,
          `imports ${target}`,
          'A surface carries, it does not think: dispatch and outbox come in as arguments, so that every surface does the same for the same words.',
        ),
      );
  },

  function oneReaderOfTheEnvironment(file) {
    if (file.path === 'src/engine/config.ts') return [];
    const why =
      'Only config.ts reads the environment, so that every variable is checked, documented and in .env.example.';
    const found: string[] = [];
    if (/(?<![\w$])process\s*(\?\.|\.)\s*env\b/.test(file.code)) found.push(because(file, 'reads process.env', why));
    if (/(?<![.\w$])process\s*(\?\.)?\[/.test(file.code)) found.push(because(file, 'indexes process', why));
    if (/=\s*process\s*[;,)\n]/.test(file.code)) found.push(because(file, 'takes process apart', why));
    if (/\bimport\s*\.\s*meta\s*\.\s*env\b/.test(file.code)) found.push(because(file, 'reads import.meta.env', why));
    if (file.imports.some(({ specifier }) => /^(node:)?process$/.test(specifier))) {
      found.push(because(file, 'imports node:process', why));
    }
    return found;
  },

  function oneOwnerPerPackage(file) {
    return file.imports
      .filter(({ pack }) => pack !== undefined && OWNERS[pack]?.test(file.path) === false)
      .map(({ pack }) =>
        because(
          file,
          `imports ${pack}, which belongs to ${OWNERS[pack ?? '']?.source}`,
          'One owner per heavy package: its traps are handled in one place, it can be replaced, and it is loaded only when needed.',
        ),
      );
  },

  function rootsAreNotImported(file) {
    return file.imports.flatMap(({ target }) => {
      if (target === undefined) return [];
      // cli.ts only switches the compile cache on before everything else is loaded.
      if (ROOTS.test(target) && !(file.path === 'src/cli.ts' && target === 'src/terminal.ts')) {
        return [because(file, `imports ${target}`, 'Nobody imports a program: importing it would start it.')];
      }
      if (target === 'src/compose.ts' && !ROOTS.test(file.path) && !file.path.startsWith('src/demo/')) {
        return [
          because(
            file,
            'imports src/compose.ts',
            'Only the programs put the parts together; parts get what they need as arguments.',
          ),
        ];
      }
      return [];
    });
  },

  function importsExist(file, { files }) {
    const found: string[] = [];
    for (const { specifier, target } of file.imports) {
      if (specifier === '(computed)') {
        found.push(
          because(
            file,
            'imports something computed',
            'An import that only exists at run time escapes every rule here.',
          ),
        );
      } else if (target?.startsWith('src/') && !files.has(target)) {
        found.push(
          because(
            file,
            `imports ${target}, which is not there`,
            'Node runs the sources as they are: the path must be exact, with .ts.',
          ),
        );
      } else if (target !== undefined && !target.startsWith('src/') && target !== 'package.json') {
        found.push(
          because(
            file,
            `imports ${target}`,
            'The program is in src/; tests and benches import it, never the other way.',
          ),
        );
      } else if (target === undefined && !specifier.startsWith('node:') && NODE_BUILTIN.test(specifier)) {
        found.push(
          because(
            file,
            `imports ${specifier}`,
            'Built-in modules are written node:…, so that no package can take their name.',
          ),
        );
      }
    }
    return found;
  },

  function filesAreShort(file) {
    // types.ts holds every noun on purpose: one page to read before anything else.
    if (file.path === 'src/engine/types.ts' || file.lines <= 400) return [];
    return [
      because(file, `has ${file.lines} lines`, 'At most 400: one noun per file, so that it can be read in one go.'),
    ];
  },

  function noAny(file) {
    if (!/(?<![.\w$'"`-])any\b(?!\s*[:(])|:\s*any\b|@ts-(ignore|nocheck)/.test(file.code)) return [];
    return [
      because(
        file,
        'says any',
        'It switches the compiler off for everything it touches; `unknown` and a check do not.',
      ),
    ];
  },
];

const NODE_BUILTIN =
  /^(assert|buffer|child_process|cluster|crypto|dns|events|fs|http|https|http2|net|os|path|perf_hooks|process|readline|sqlite|stream|timers|tls|tty|url|util|v8|vm|worker_threads|zlib)(\/|$)/;

/** Files that exist only once for the whole: the list of providers, their tests, the packages. */
function wholeRules(files: ReadonlyMap<string, Seen>, project: Project): string[] {
  const found: string[] = [];
  const list = files.get('src/providers/index.ts');
  // A test that runs a driver through the suite imports both.
  const contracted = new Set(
    project.tests.flatMap(({ path, text }) => {
      const targets = lex(text).imports.map(({ specifier }) => resolveImport(path, specifier));
      return path.endsWith('.test.ts') && targets.includes('test/contract/provider.ts') ? targets : [];
    }),
  );
  for (const path of files.keys()) {
    const name = /^src\/providers\/([\w-]+)\.ts$/.exec(path)?.[1];
    if (name === undefined || name === 'index') continue;
    if (!list?.imports.some(({ target, dynamic }) => target === path && dynamic)) {
      found.push(
        `${path}: not in src/providers/index.ts as a lazy import. A driver that is not listed cannot be found by anyone.`,
      );
    }
    if (!contracted.has(path)) {
      found.push(`${path}: has no contract test. Every driver passes the same suite: hostile names, faults, resume.`);
    }
  }
  const used = new Set<string>();
  for (const file of files.values()) {
    for (const { pack } of file.imports) {
      if (pack === undefined) continue;
      used.add(pack);
      if (!project.dependencies.includes(pack)) {
        found.push(
          `${file.path}: imports ${pack}, which is not in "dependencies". It would be missing, or any version, elsewhere.`,
        );
      }
    }
  }
  for (const name of project.dependencies) {
    // The runtime itself: npm scripts run the `node` of this package.
    if (name !== 'node' && !used.has(name)) {
      found.push(
        `package.json: ${name} is imported nowhere. What is not used is still downloaded, audited and attacked.`,
      );
    }
  }
  return found;
}

/** All violations, in the order of files. An empty list is a clean project. */
export function violations(project: Project): string[] {
  const files = new Map<string, Seen>();
  for (const { path, text } of project.files) {
    const { code, imports } = lex(text);
    files.set(path, {
      path,
      code,
      lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
      imports: imports.map((one) => ({
        ...one,
        target: one.specifier.startsWith('.') ? resolveImport(path, one.specifier) : undefined,
        pack: NODE_BUILTIN.test(one.specifier) ? undefined : packageOf(one.specifier),
      })),
    });
  }
  const found = [...files.values()].flatMap((file) => rules.flatMap((rule) => rule(file, { files })));
  return [...found, ...wholeRules(files, project)];
}
