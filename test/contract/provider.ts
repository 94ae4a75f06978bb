/**
 * The provider contract: one suite for every provider. A provider's own test is
 *
 *     providerContract('webdav on nginx', async () => ({ kind, settings, root, context, cleanup }));
 *
 * A case that a provider cannot run (no `move`, no wrong credentials given) is reported as skipped, with the reason.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { accessCases } from './provider/access.ts';
import { faultCases } from './provider/faults.ts';
import { readingCases } from './provider/reading.ts';
import { type Case, lacking, type Subject, startTrial } from './provider/trial.ts';
import { writingCases } from './provider/writing.ts';

export type { Case, Limits, Need, Subject, Trial } from './provider/trial.ts';

/** In this order; the first expects the place as the setup made it. */
export const providerCases: readonly Case[] = [...readingCases, ...writingCases, ...faultCases, ...accessCases];

/** Why nothing can be tested here ("sshd is not installed"). */
export interface Skip {
  skip: string;
}

/** Runs one case; answers the reason when the subject lacks what it needs, throws when the provider is wrong. */
export async function runCase(one: Case, subject: Subject): Promise<string | undefined> {
  const trial = await startTrial(subject);
  try {
    const missing = lacking(trial, one.needs);
    if (missing === undefined) await one.run(trial);
    return missing;
  } finally {
    await trial.close();
  }
}

/** Declares the suite. `setup` runs once; its `cleanup` runs at the end, whatever happened. */
export function providerContract(title: string, setup: () => Promise<Subject | Skip>): void {
  describe(`provider contract: ${title}`, () => {
    let subject: Subject | Skip;
    beforeAll(async () => {
      subject = await setup();
    });
    afterAll(async () => {
      if (subject && 'cleanup' in subject) await subject.cleanup();
    });
    for (const one of providerCases) {
      it(one.name, async (test) => {
        if ('skip' in subject) return test.skip(subject.skip);
        const missing = await runCase(one, subject);
        if (missing !== undefined) test.skip(missing);
      });
    }
  });
}
