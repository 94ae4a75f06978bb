import { describe, expect, it } from 'vitest';
import { folderMaker, foreseen } from '../../src/engine/backup/ahead.ts';
import type { Step } from '../../src/engine/backup/decide.ts';
import type { TransferContext } from '../../src/engine/backup/target.ts';

const fresh = (path: string): Step => ({
  path,
  entry: { path, id: path },
  needs: [{ destination: 0, action: 'copy', why: 'new' }],
});

describe('steps that are seen ahead', () => {
  it('come in their order, each announced once and at most so many steps early', () => {
    const steps = Array.from({ length: 50 }, (_, i) => fresh(`f${i}`));
    const heard: Step[] = [];
    const taken: Step[] = [];
    for (const step of foreseen(steps[Symbol.iterator](), 7, (each) => void heard.push(each))) {
      taken.push(step);
      expect(heard.length).toBe(Math.min(50, taken.length + 7));
    }
    expect(taken).toEqual(steps);
    expect(heard).toEqual(steps);
  });

  it('end where there is none', () => {
    expect([...foreseen([][Symbol.iterator](), 3, () => undefined)]).toEqual([]);
  });
});

describe('folders', () => {
  const made: string[] = [];
  const makerFor = (more: { layout?: string; forbidden?: { characters: string } } = {}) => {
    made.length = 0;
    return folderMaker({
      plan: { ...(more.layout && { layout: more.layout }) },
      signal: new AbortController().signal,
      destinations: [
        {
          index: 0,
          open: {
            traits: { ...(more.forbidden && { forbidden: more.forbidden }) },
            provider: {
              makeFolder: (folder: string) => {
                made.push(folder);
                return Promise.reject(new Error('refused'));
              },
            },
          },
        },
      ],
    } as unknown as TransferContext);
  };

  it('are made once each, under the name they are stored by; a refusal is nobody’s failure', async () => {
    const hear = makerFor({ forbidden: { characters: ':' } });
    for (const path of ['a/1', 'a/2', 'b:c/1', 'b:c/2', 'top']) hear(fresh(path));
    expect(made).toEqual(['a', 'b‛3Ac']);
    await Promise.resolve();
  });

  it('follow the layout', () => {
    makerFor({ layout: '{year}' })({
      ...fresh('x/a'),
      entry: { path: 'x/a', id: 'a', modified: '2024-03-01T00:00:00Z' },
    });
    expect(made).toEqual(['2024']);
  });

  it('are not made for what is kept, replaced or gone', () => {
    const hear = makerFor();
    const line = { id: 'p/0/a/1', path: 'a/1', size: 1, sha256: '', run: 'r' };
    hear({ path: 'a/1', needs: [{ destination: 0, action: 'retire', why: 'vanished', line }] });
    hear({ ...fresh('b/1'), needs: [{ destination: 0, action: 'keep', why: 'same', line }] });
    hear({ ...fresh('c/1'), needs: [{ destination: 0, action: 'copy', why: 'changed', line }] });
    expect(made).toEqual([]);
  });
});
