/** Filling in, sending and closing a modal, and what the app's answer does to the stack. */
import { optionsOf, pick, stateOf } from './elements.ts';
import type { Acked, Fields, SlackPerson, SlackUser, SlackView, Submitted } from './types.ts';
import { created, filled, openModals, viewOf, viewProblem } from './view-methods.ts';
import { common, isFields, said, trigger, type World, word } from './world.ts';

type Options = (on: SlackView, menu: string, typed: string) => Promise<Fields[]>;

const inputs = (view: SlackView): Fields[] => view.blocks.filter(({ type }) => type === 'input');
const labelOf = (view: SlackView, blockId: string): string =>
  said(view.blocks.find(({ block_id }) => block_id === blockId)?.label) || blockId;

const isEmpty = (state: Fields | undefined): boolean =>
  state === undefined ||
  Object.entries(state).every(
    ([name, value]) =>
      name === 'type' || value === null || value === '' || (Array.isArray(value) && value.length === 0),
  );

/** What the form itself refuses, before anything is sent. */
function refusedByForm(view: SlackView): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const block of inputs(view)) {
    const element = isFields(block.element) ? block.element : {};
    const state = view.state[word(block.block_id)]?.[word(element.action_id)];
    const text = word(state?.value);
    if (block.optional !== true && isEmpty(state)) errors[said(block.label)] = 'Please complete this required field.';
    else if (typeof element.max_length === 'number' && text.length > element.max_length)
      errors[said(block.label)] = `Please use ${element.max_length} characters or fewer.`;
    else if (typeof element.min_length === 'number' && text !== '' && text.length < element.min_length)
      errors[said(block.label)] = `Please use ${element.min_length} characters or more.`;
  }
  return errors;
}

async function fill(view: SlackView, name: string, given: string | readonly string[], options: Options): Promise<void> {
  const block = inputs(view).find(
    (one) =>
      said(one.label) === name || one.block_id === name || (isFields(one.element) && one.element.action_id === name),
  );
  if (block === undefined || !isFields(block.element))
    throw new Error(
      `the form asks for no "${name}"; it asks for ${
        inputs(view)
          .map(({ label }) => `"${said(label)}"`)
          .join(', ') || 'nothing'
      }`,
    );
  const element = block.element;
  const values = typeof given === 'string' ? (given === '' ? [] : [given]) : [...given];
  const type = word(element.type);
  if (type === 'plain_text_input') return stateOf(view, block, element, { value: values.join('\n') || null });
  if (type === 'datepicker') return stateOf(view, block, element, { selected_date: values[0] ?? null });
  if (type === 'timepicker') return stateOf(view, block, element, { selected_time: values[0] ?? null });
  if (!/external_select$/.test(type)) return stateOf(view, block, element, pick(element, optionsOf(element), values));
  const offered: Fields[] = [];
  for (const value of values) offered.push(...(await options(view, word(element.action_id), value)));
  stateOf(view, block, element, pick(element, offered, values));
}

function closed(world: World, view: SlackView, all: boolean): void {
  for (const one of all ? openModals(world, view.user) : [view]) one.open = false;
  world.changed();
}

/** What the app answered to a submission. (docs.slack.dev/surfaces/modals: response_action) */
function followed(world: World, view: SlackView, acked: Acked): Submitted {
  const trouble = 'We had some trouble connecting. Try again?';
  if (acked.failed !== undefined) return { ...acked, errors: { '': trouble } };
  const answer = isFields(acked.ack) ? acked.ack : {};
  const action = answer.response_action;
  const wrong = (why: string): Submitted => {
    world.blame(`view_submission: ${why}`);
    return { ...acked, errors: { '': trouble } };
  };
  if (action === undefined) {
    closed(world, view, false);
    return acked;
  }
  if (action === 'clear') {
    closed(world, view, true);
    return acked;
  }
  if (action === 'errors') {
    const errors = isFields(answer.errors) ? answer.errors : {};
    const ids = inputs(view).map(({ block_id }) => block_id);
    const unknown = Object.keys(errors).filter((id) => !ids.includes(id));
    if (unknown.length > 0 || Object.keys(errors).length === 0)
      return wrong(`an error about no question: ${unknown.join(', ') || 'none'}`);
    view.errors = Object.fromEntries(Object.entries(errors).map(([id, text]) => [labelOf(view, id), word(text)]));
    world.changed();
    return { ...acked, errors: view.errors };
  }
  if (action !== 'update' && action !== 'push') return wrong(`response_action ${String(action)}`);
  const problem = viewProblem(world, `view_submission ${action}`, answer.view, 'modal');
  if (problem !== undefined || !isFields(answer.view)) return { ...acked, errors: { '': trouble } };
  if (action === 'update') {
    filled(world, view, answer.view);
    view.edits++;
  } else if (openModals(world, view.user).length >= 3) return wrong('more than 3 modals');
  else created(world, { workspace: view.workspace, user: view.user, raw: answer.view, below: view });
  return acked;
}

export function modal(world: World, user: SlackUser, options: Options): Pick<SlackPerson, 'submit' | 'closeView'> {
  const mine = (view: SlackView): void => {
    if (view.user !== user.id || !view.open) throw new Error(`${user.name} does not see this view, or not any more`);
  };
  return {
    async submit(view, values = {}) {
      mine(view);
      if (view.raw.submit === undefined) throw new Error(`"${view.title}" has no button to send it`);
      for (const [name, given] of Object.entries(values)) await fill(view, name, given, options);
      view.errors = {};
      const errors = refusedByForm(view);
      if (Object.keys(errors).length > 0) return { ackMs: 0, ack: undefined, errors };
      const acked = await world.delivery.interaction({
        kind: 'interactive',
        accepts: true,
        payload: {
          type: 'view_submission',
          ...common(world, user),
          trigger_id: trigger(world, user, view.id),
          view: viewOf(world, view),
          response_urls: [],
        },
      });
      return followed(world, view, acked);
    },
    async closeView(view) {
      mine(view);
      closed(world, view, false);
      if (view.raw.notify_on_close !== true) return undefined;
      return world.delivery.interaction({
        kind: 'interactive',
        accepts: false,
        payload: {
          type: 'view_closed',
          ...common(world, user),
          view: viewOf(world, view),
          is_cleared: false,
        },
      });
    },
  };
}
