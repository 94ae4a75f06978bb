/** Replies on a screen as they come: one line redrawn in place while something runs, plain lines where nothing can be redrawn. */
import type { Progress, Reply } from '../engine/types.ts';
import { type ConsoleLook, progressLine, renderConsole } from './console-render.ts';
import { cutText } from './console-text.ts';

export interface ScreenOptions {
  write(text: string): void;
  /** Lines can be redrawn. */
  tty: boolean;
  colour: boolean;
  /** Columns now; a window may be resized. */
  columns(): number;
  zone(): string;
  now(): Date;
  /** Milliseconds that only go forward. */
  elapsed(): number;
}

export interface Screen {
  show(reply: Reply): void;
  /** Ends a line that is still being redrawn. To be called when the last reply was shown, also after a failure. */
  end(): void;
}

/** Ten redraws a second are smooth; more only cost. */
const REDRAW = 100;
/** A log is read later: a line now and then, besides one at each change of phase. */
const PLAIN_LINE = 5000;
const CLEAR_LINE = '\r\u001b[2K';
/** Longer lines are hard to read; a file or a pipe has no width of its own. */
const WIDEST = 120;

const progressOf = (reply: Reply): Progress | undefined =>
  reply.blocks.find((block) => block.kind === 'progress')?.progress;

/** A reply that a later one will replace. */
const isPassing = (reply: Reply): boolean => reply.live !== undefined && reply.tone === 'busy';

export function createScreen(o: ScreenOptions): Screen {
  let drawn = false;
  let last = Number.NEGATIVE_INFINITY;
  let phase: string | undefined;

  const look = (): ConsoleLook => ({
    colour: o.colour,
    width: Math.max(20, Math.min(o.columns(), WIDEST)),
    zone: o.zone(),
    now: o.now(),
  });

  const clear = (): void => {
    if (drawn) o.write(CLEAR_LINE);
    drawn = false;
  };

  const lineOf = (reply: Reply, withBar: boolean): string => {
    // One column stays free: a terminal that wraps at its last one would break the line in two.
    const width = look().width - 1;
    const progress = progressOf(reply);
    if (progress) return progressLine(progress, { width }, withBar);
    return cutText(renderConsole({ ...reply, blocks: [] }, { ...look(), colour: false }).replaceAll('\n', ' '), width);
  };

  const pass = (reply: Reply): void => {
    const newPhase = `${reply.live} ${progressOf(reply)?.phase ?? reply.title}`;
    const since = o.elapsed() - last;
    if (newPhase === phase && since < (o.tty ? REDRAW : PLAIN_LINE)) return;
    phase = newPhase;
    last = o.elapsed();
    if (o.tty) {
      o.write(`${drawn ? CLEAR_LINE : ''}${lineOf(reply, true)}`);
      drawn = true;
    } else {
      o.write(`${lineOf(reply, false)}\n`);
    }
  };

  return {
    show(reply) {
      if (isPassing(reply)) {
        pass(reply);
        return;
      }
      clear();
      phase = undefined;
      o.write(`${renderConsole(reply, look())}\n`);
    },
    end: clear,
  };
}
