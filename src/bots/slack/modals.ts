/** Forms as modals: opened within the three seconds that Slack gives, and what was filled in as a line. */
import { type Answers, formLine, formProblems } from '../../engine/form.ts';
import type { Control, SurfaceServices } from '../../engine/services.ts';
import type { Caller, Form } from '../../engine/types.ts';
import { renderSlackModal, type SlackView, slackModalAnswers } from '../slack-render.ts';
import { type Json, read, type Submission, wordAt } from './events.ts';
import { plain, richText, type SlackBlock, words } from './json-render.ts';

export const CALLBACK = 'keepsake_form';
/** A modal carries 3,000 characters of its own; the rest of them is for the conversation and the names around it. */
const ROOM = 2_400;

/** What a modal remembers from being opened to being sent. */
export interface Remembered {
  control: Control;
  /** `T1/C1`; absent for what was opened on the home page. */
  conversation?: string;
}

export interface Modals {
  view(remembered: Remembered & { control: { form: Form } }, notes?: Record<string, string>): Promise<SlackView>;
  /** What the modal with this metadata is about; undefined when it is not one of ours, or was kept too long ago. */
  remembered(metadata: string): Promise<Remembered | undefined>;
}

const controlOf = (value: unknown): Control | undefined => {
  const form = read(value, 'form');
  const about = read(value, 'about') as Caller['about'];
  return read(form, 'kind') === 'form' ? { form: form as Form, ...(about === undefined ? {} : { about }) } : undefined;
};

export const createModals = ({ controls }: Pick<SurfaceServices, 'controls'>): Modals => ({
  async view({ control, conversation }, notes) {
    const own = JSON.stringify(control);
    // The form travels with the modal, so that a wrong answer can be told without looking anything up.
    const carried = own.length <= ROOM ? { control } : { kept: await controls.keep(control) };
    const metadata = JSON.stringify({ ...carried, ...(conversation === undefined ? {} : { conversation }) });
    return renderSlackModal(control.form, { callback: CALLBACK, metadata, ...(notes === undefined ? {} : { notes }) });
  },
  async remembered(metadata) {
    let value: unknown;
    try {
      value = JSON.parse(metadata);
    } catch {
      // A modal that says nothing to be read: a notice, or somebody else's.
      return undefined;
    }
    const kept = wordAt(value, 'kept');
    const control = kept === undefined ? controlOf(read(value, 'control')) : await controls.find(kept);
    const conversation = wordAt(value, 'conversation');
    return control && { control, ...(conversation === undefined ? {} : { conversation }) };
  },
});

/** A sent modal: either what is wrong with it, by block, or the line it says (none when nothing was changed). */
export function filledIn(form: Form, submission: Submission): { errors: Record<string, string> } | { line?: string } {
  const answers: Answers = slackModalAnswers(submission.values, form);
  const errors = formProblems(form, answers);
  if (Object.keys(errors).length > 0) return { errors };
  const line = formLine(form, answers);
  return line === undefined ? {} : { line };
}

/** A modal without a form: "one moment", or why there is nothing to fill in. */
export function notice(title: string, text: string): Json {
  const blocks: SlackBlock[] = [richText([words(text)])];
  return { type: 'modal', callback_id: 'keepsake_notice', title: plain(title), close: plain('Close'), blocks };
}
