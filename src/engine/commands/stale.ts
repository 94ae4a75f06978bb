/**
 * Whether a button still means what it meant when it was shown. Pure.
 *
 * A button is a line, and most lines may be said at any time: pausing what is paused finds that out by itself. Four do
 * something else when the world has moved on beneath them, and are asked about again, with the same line on a fresh button:
 *
 * | button            | asked again when                                                                              |
 * |-------------------|-----------------------------------------------------------------------------------------------|
 * | run, stop         | it is the button of a run (`about.run`), and another run of the plan was begun since          |
 * | run ... anyway    | another run was begun since: its question, if it has one, is not the one that was read        |
 * | restore ... replace | no state is named (`from`), and a run has ended since: other bytes would be written         |
 * | edit              | somebody else has edited the plan since                                                       |
 *
 * "Since" is since the message with the button was made (`Caller.pressed`); a typed line is never stale.
 */
import type { Instant, RunState } from '../types.ts';
import type { ParsedCommand } from './command.ts';

export interface Pressed {
  at: Instant;
  /** The run that the message with the button is about. */
  run?: string;
}

/** What is known of the plan now. */
export interface Since {
  run?: { id: string; state: RunState; queued: Instant; ended?: Instant };
  /** When somebody other than the caller last edited the plan. */
  edited?: Instant;
}

/** What happened since in a way that contradicts the button; undefined when it may act. */
export type Stale = 'ran' | 'runs' | 'edited';

export function staleness({ name, args }: ParsedCommand, pressed: Pressed, since: Since): Stale | undefined {
  const { run } = since;
  const other = run !== undefined && run.id !== pressed.run && run.queued > pressed.at;
  const goesOn = run?.state === 'queued' || run?.state === 'running';
  switch (name) {
    case 'run':
      // A run that goes on is not begun twice: the command says how far it is.
      if (!other || goesOn || (pressed.run === undefined && !args.anyway)) return undefined;
      return 'ran';
    case 'stop':
      return other && goesOn && pressed.run !== undefined ? 'runs' : undefined;
    case 'restore':
      if (args.existing !== 'replace' || args.from !== undefined) return undefined;
      return run?.ended !== undefined && run.ended > pressed.at ? 'ran' : undefined;
    case 'edit':
      return since.edited !== undefined && since.edited > pressed.at ? 'edited' : undefined;
    default:
      return undefined;
  }
}
