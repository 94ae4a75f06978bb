/** JSON as it comes over the wire: nobody vouches for its shape. */
export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const object = (value: unknown): Json => (isObject(value) ? value : {});
/** The objects of a list; anything else is left out. */
export const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const whole = (value: unknown): number => (typeof value === 'number' && Number.isInteger(value) ? value : 0);

/** One thing wrong with a body: where, Discord's own short code, and words. */
export interface Problem {
  path: string;
  code: string;
  message: string;
}

/** What Discord answers instead of a result. `code` is Discord's own, 0 where it has none. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  readonly problems: readonly Problem[];
  constructor(status: number, code: number, message: string, problems: readonly Problem[] = []) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.problems = problems;
  }
}

/** A body that breaks a rule: 400, code 50035, each problem at its place. */
export const invalidForm = (problems: readonly Problem[]): Refusal =>
  new Refusal(400, 50035, 'Invalid Form Body', problems);

/** The nested `errors` object of code 50035. */
export function errorTree(problems: readonly Problem[]): Json {
  const tree: Json = {};
  for (const { path, code, message } of problems) {
    let at = tree;
    for (const step of path.split('.').filter((part) => part !== '')) {
      const next = isObject(at[step]) ? at[step] : {};
      at[step] = next;
      at = next;
    }
    const found = objects(at._errors);
    at._errors = [...found, { code, message }];
  }
  return tree;
}
