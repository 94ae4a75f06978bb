/** `report [<plan>] [pdf]`: the report of a run once more, as it was sent, to read here or as a file to keep. */
import { hasEnded } from '../backup/report.ts';
import { reportOf } from '../backup/report-facts.ts';
import { NotFound, UsageError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Block, Caller, Plan, Reply, Run } from '../types.ts';
import type { Command } from './command.ts';
import { quote } from './grammar/words.ts';
import { planOf } from './plan-of.ts';

/** Runs that are looked through for one that has ended. */
const LOOKED_AT = 50;

/** The run that is answered, if it is of this plan; else the newest that has ended. */
async function reported({ store }: Services, { about }: Caller, plan: Plan): Promise<Run> {
  const meant = about?.run === undefined ? undefined : await store.get('runs', about.run);
  if (meant?.plan === plan.id && hasEnded(meant)) return meant;
  const newest = { index: 'plan+queued', equals: [plan.id], reverse: true, limit: LOOKED_AT };
  for await (const run of store.find('runs', newest)) if (hasEnded(run)) return run;
  throw new NotFound(`${plan.name} has not run yet, so there is no report.`, {
    code: 'no_run',
    advice: 'After its first run there is one.',
    choices: [{ label: 'Run now', line: `run ${quote(plan.name)}` }],
  });
}

/** A name that every system takes, whatever the plan is called. */
const fileName = (plan: Plan, run: Run): string => {
  const name = plan.name
    .replace(/[^\p{L}\p{N}._-]+/gu, ' ')
    .replace(/^[. ]+/, '')
    .trim()
    .slice(0, 60)
    .trim();
  return `${name || 'Report'} ${(run.ended ?? run.queued).slice(0, 10)}.pdf`;
};

/** Throws `UsageError` where no browser can be started. */
async function pdfOf({ reportPdf }: Services, reply: Reply, caller: Caller, name: string): Promise<Block> {
  if (!reportPdf) {
    throw new UsageError('This Keepsake cannot make PDFs: it found no browser (Chromium) on its machine.', {
      code: 'no_pdf',
      advice: 'The operator can install Chromium; `report` without "pdf" works all the same.',
      choices: [{ label: 'Show it here', line: 'report' }],
    });
  }
  return { kind: 'file', name, mime: 'application/pdf', bytes: await reportPdf(reply, { zone: caller.zone }) };
}

export const report: Command<'report'> = {
  name: 'report',
  summary: 'Show the report of the last run again, also as PDF.',
  example: 'report "Pictures to usb"',
  needs: 'viewer',
  looks: true,
  async *run(args, caller, services) {
    const plan = await planOf(services, caller, args.plan, (name) => `report ${name}`);
    const run = await reported(services, caller, plan);
    const reply = await reportOf(services, plan, run, { signal: caller.signal });
    const { live: _, ...still } = reply;
    if (args.as !== 'pdf') {
      yield still;
      return;
    }
    const file = await pdfOf(services, reply, caller, fileName(plan, run));
    yield { ...still, blocks: [...still.blocks, file] };
  },
};
