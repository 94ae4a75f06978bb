/** views.*: triggers that live 3 seconds and work once, stacks of at most three modals, hashes. */
import { slackViewProblems } from '../../contract/slack-limits.ts';
import { type Method, type MethodCall, refused } from './method.ts';
import type { Fields, SlackView } from './types.ts';
import { isFields, list, said, type Trigger, type World, withIds, word } from './world.ts';

const DEEPEST = 3;

/** What a question holds before anybody touched it. */
export function initialState(blocks: readonly Fields[], kept: SlackView['state'] = {}): SlackView['state'] {
  const state: SlackView['state'] = {};
  for (const block of blocks) {
    const elements = [block.element, block.accessory, ...list(block.elements)].filter(isFields);
    for (const element of elements) {
      const type = word(element.type);
      if (type === 'button' || type === 'image' || type === 'overflow' || element.action_id === undefined) continue;
      const id = word(block.block_id);
      const before = kept[id]?.[word(element.action_id)];
      state[id] = { ...state[id], [word(element.action_id)]: before ?? { type, ...initialValue(type, element) } };
    }
  }
  return state;
}

function initialValue(type: string, element: Fields): Fields {
  if (type === 'plain_text_input') return { value: element.initial_value ?? null };
  if (/^multi_|^checkboxes$/.test(type)) return { selected_options: element.initial_options ?? [] };
  if (type === 'datepicker') return { selected_date: element.initial_date ?? null };
  if (type === 'timepicker') return { selected_time: element.initial_time ?? null };
  return { selected_option: element.initial_option ?? null };
}

/** Puts what the app sent into a view. */
export function filled(world: World, view: SlackView, raw: Fields): void {
  const blocks = withIds(world, list(raw.blocks));
  view.blocks = blocks;
  view.state = initialState(blocks, view.state);
  view.raw = { ...raw, blocks };
  view.hash = `${world.ts()}.${world.id('')}`;
  view.title = said(raw.title);
  view.callbackId = word(raw.callback_id);
  view.externalId = word(raw.external_id);
  view.privateMetadata = word(raw.private_metadata);
  view.errors = {};
  world.changed();
}

export function created(
  world: World,
  o: { workspace: string; user: string; raw: Fields; below?: SlackView },
): SlackView {
  const id = world.id('V');
  const view: SlackView = {
    id,
    workspace: o.workspace,
    user: o.user,
    type: o.raw.type === 'home' ? 'home' : 'modal',
    hash: '',
    root: o.below?.root ?? id,
    previous: o.below?.id,
    open: true,
    title: '',
    callbackId: '',
    externalId: '',
    privateMetadata: '',
    blocks: [],
    state: {},
    errors: {},
    raw: {},
    edits: 0,
  };
  filled(world, view, o.raw);
  world.views.push(view);
  return view;
}

/** A view as Slack hands it out. */
export const viewOf = (world: World, view: SlackView): Fields => ({
  id: view.id,
  team_id: view.workspace,
  app_id: world.appId,
  app_installed_team_id: view.workspace,
  type: view.type,
  title: view.raw.title ?? null,
  submit: view.raw.submit ?? null,
  close: view.raw.close ?? null,
  blocks: view.blocks,
  private_metadata: view.privateMetadata,
  callback_id: view.callbackId,
  external_id: view.externalId,
  state: { values: view.state },
  hash: view.hash,
  clear_on_close: view.raw.clear_on_close === true,
  notify_on_close: view.raw.notify_on_close === true,
  root_view_id: view.root,
  previous_view_id: view.previous ?? null,
  bot_id: world.workspaces.find(({ id }) => id === view.workspace)?.botId,
});

/** Why Slack refuses a view; every problem is noted. */
export function viewProblem(world: World, method: string, raw: unknown, type: SlackView['type']): Fields | undefined {
  const problems = isFields(raw) ? slackViewProblems(raw) : ['the view is missing'];
  if (isFields(raw) && raw.type !== type) problems.push(`type: is not ${type}`);
  world.blame(...problems.map((one) => `${method}: ${one}`));
  return problems.length > 0 ? refused('invalid_arguments', problems) : undefined;
}

function exchanged({ world, args, method, workspace }: MethodCall): Trigger | Fields {
  const given = word(args.trigger_id);
  const found = world.triggers.get(given);
  if (found === undefined || found.workspace !== workspace.id) {
    world.blame(`${method}: nobody gave out this trigger_id`);
    return refused('invalid_trigger_id');
  }
  if (found.used) {
    world.blame(`${method}: the trigger_id was used before`);
    return refused('exchanged_trigger_id');
  }
  if (world.clock.now().getTime() - found.made > world.triggerWithin) return refused('expired_trigger_id');
  found.used = true;
  return found;
}

const isTrigger = (found: Trigger | Fields): found is Trigger => 'made' in found;
const raw = (args: Fields): Fields => (isFields(args.view) ? args.view : {});

const taken = (world: World, args: Fields, except?: SlackView): boolean => {
  const id = word(raw(args).external_id);
  return id !== '' && world.views.some((view) => view.open && view.externalId === id && view !== except);
};

export const openModals = (world: World, user: string): SlackView[] =>
  world.views.filter((view) => view.type === 'modal' && view.user === user && view.open);

export const viewMethods: Readonly<Record<string, Method>> = {
  'views.open': {
    token: 'bot',
    run(call) {
      const { world, workspace, args, method } = call;
      const problem = viewProblem(world, method, args.view, 'modal');
      if (problem !== undefined) return problem;
      const used = exchanged(call);
      if (!isTrigger(used)) return used;
      if (taken(world, args)) return refused('duplicate_external_id');
      const view = created(world, { workspace: workspace.id, user: used.user, raw: raw(args) });
      return { ok: true, view: viewOf(world, view) };
    },
  },
  'views.push': {
    token: 'bot',
    run(call) {
      const { world, workspace, args, method } = call;
      const problem = viewProblem(world, method, args.view, 'modal');
      if (problem !== undefined) return problem;
      const used = exchanged(call);
      if (!isTrigger(used)) return used;
      const below = world.views.find(({ id, open, type }) => id === used.view && open && type === 'modal');
      if (below === undefined) return refused('not_found');
      if (openModals(world, used.user).length >= DEEPEST) {
        world.blame(`${method}: more than ${DEEPEST} modals`);
        return refused('push_limit_reached');
      }
      const view = created(world, { workspace: workspace.id, user: used.user, raw: raw(args), below });
      return { ok: true, view: viewOf(world, view) };
    },
  },
  'views.update': {
    token: 'bot',
    run({ world, workspace, args, method }) {
      const view = world.views.find(
        (one) =>
          one.workspace === workspace.id &&
          one.open &&
          (one.id === word(args.view_id) ||
            (word(args.external_id) !== '' && one.externalId === word(args.external_id))),
      );
      if (view === undefined) return refused('not_found');
      if (word(args.hash) !== '' && word(args.hash) !== view.hash) return refused('hash_conflict');
      const problem = viewProblem(world, method, args.view, view.type);
      if (problem !== undefined) return problem;
      if (taken(world, args, view)) return refused('duplicate_external_id');
      filled(world, view, raw(args));
      view.edits++;
      return { ok: true, view: viewOf(world, view) };
    },
  },
  'views.publish': {
    token: 'bot',
    run({ world, workspace, args, method }) {
      const user = workspace.users.find(({ id }) => id === word(args.user_id));
      if (user === undefined) return refused('user_not_found');
      const problem = viewProblem(world, method, args.view, 'home');
      if (problem !== undefined) return problem;
      const before = world.views.find((view) => view.type === 'home' && view.user === user.id);
      if (before !== undefined && word(args.hash) !== '' && word(args.hash) !== before.hash)
        return refused('hash_conflict');
      if (before === undefined) {
        const view = created(world, { workspace: workspace.id, user: user.id, raw: raw(args) });
        return { ok: true, view: viewOf(world, view) };
      }
      filled(world, before, raw(args));
      before.edits++;
      return { ok: true, view: viewOf(world, before) };
    },
  },
};
