/** One destination of several that cannot be used must not keep the others from their backup. */
import { isKeepsakeError } from '../errors.ts';
import type { Plan, Problem } from '../types.ts';
import { describe } from './problem.ts';

export interface Losses {
  isAlive(destination: { index: number }): boolean;
  /** Goes on without this destination; throws the error when no other is left. Told once. */
  giveUp(index: number, error: unknown): void;
  /** Does the work, or gives the destination up for the reason that the work failed. */
  orGiveUp(index: number, work: () => Promise<void>): Promise<void>;
  /** The given-up ones as the person wrote them. */
  texts(): string[];
}

export function createLosses(plan: Plan, problem: (problem: Problem) => void): Losses {
  const lost = new Set<number>();
  const textOf = (index: number): string => plan.destinations[index]?.text ?? '';

  const giveUp = (index: number, error: unknown): void => {
    if (lost.has(index)) return;
    if (!isKeepsakeError(error) || lost.size + 1 >= plan.destinations.length) throw error;
    lost.add(index);
    problem(describe(error, undefined, textOf(index)));
  };

  return {
    isAlive: ({ index }) => !lost.has(index),
    giveUp,
    async orGiveUp(index, work) {
      try {
        await work();
      } catch (error) {
        giveUp(index, error);
      }
    },
    texts: () => [...lost].map(textOf),
  };
}
