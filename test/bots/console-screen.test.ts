/** A run on a screen: one line redrawn on a terminal, few lines in a log, nothing left over at the end. */
import { describe, expect, it } from 'vitest';
import { createScreen } from '../../src/bots/console-screen.ts';
import type { Progress, Reply } from '../../src/engine/types.ts';

function setup(tty: boolean) {
  let written = '';
  let elapsed = 0;
  const screen = createScreen({
    write: (text) => {
      written += text;
    },
    tty,
    colour: false,
    columns: () => 80,
    zone: () => 'UTC',
    now: () => new Date('2026-11-22T12:00:00.000Z'),
    elapsed: () => elapsed,
  });
  return {
    screen,
    wait: (ms: number) => {
      elapsed += ms;
    },
    taken: () => {
      const text = written;
      written = '';
      return text;
    },
  };
}

const progress = (files: number, phase: Progress['phase'] = 'copying'): Reply => ({
  tone: 'busy',
  title: 'photos is running',
  live: 'r1',
  blocks: [{ kind: 'progress', progress: { phase, files, totalFiles: 100, bytes: 0, problems: 0 } }],
});
const done: Reply = { tone: 'good', title: 'photos: 100 new files', live: 'r1', blocks: [] };

describe('on a terminal', () => {
  it('redraws one line, at most ten times a second, and clears it before the result', () => {
    const { screen, wait, taken } = setup(true);
    screen.show(progress(1));
    expect(taken()).toBe('Copying ░░░░░░░░░░░░░░░░░░░░ 1%  1 of 100 files · 0 bytes');
    screen.show(progress(2));
    expect(taken()).toBe('');
    wait(100);
    screen.show(progress(3));
    expect(taken()).toBe('\r\u001b[2KCopying █░░░░░░░░░░░░░░░░░░░ 3%  3 of 100 files · 0 bytes');
    screen.show(done);
    expect(taken()).toBe('\r\u001b[2K✔ photos: 100 new files\n');
  });

  it('draws a new phase at once', () => {
    const { screen, taken } = setup(true);
    screen.show(progress(1, 'listing'));
    taken();
    screen.show(progress(1));
    expect(taken()).toContain('Copying');
  });

  it('leaves no half line behind when the command fails', () => {
    const { screen, taken } = setup(true);
    screen.show(progress(1));
    taken();
    screen.end();
    expect(taken()).toBe('\r\u001b[2K');
    screen.end();
    expect(taken()).toBe('');
  });
});

describe('in a log', () => {
  it('writes a line at each phase and one every five seconds, without control characters', () => {
    const { screen, wait, taken } = setup(false);
    screen.show(progress(0, 'listing'));
    screen.show(progress(1));
    screen.show(progress(2));
    wait(4999);
    screen.show(progress(3));
    wait(1);
    screen.show(progress(4));
    screen.show(done);
    screen.end();
    expect(taken()).toBe(
      [
        'Looking at the files 0%  0 of 100 files · 0 bytes',
        'Copying 1%  1 of 100 files · 0 bytes',
        'Copying 4%  4 of 100 files · 0 bytes',
        '✔ photos: 100 new files',
        '',
      ].join('\n'),
    );
  });

  it('a live reply without progress is its title', () => {
    const { screen, taken } = setup(false);
    screen.show({ tone: 'busy', title: 'Waiting for the other run', live: 'r1', blocks: [] });
    expect(taken()).toBe('… Waiting for the other run\n');
  });
});
