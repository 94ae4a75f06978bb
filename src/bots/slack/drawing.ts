/** A reply made ready for Slack: what does not fit into its buttons is kept first. */

import type { SurfaceServices } from '../../engine/services.ts';
import type { Reply } from '../../engine/types.ts';
import { keepControls, renderSlack, renderSlackHome, type SlackMessage, slackControls } from '../slack-render.ts';

export interface Drawing {
  message(reply: Reply): Promise<SlackMessage>;
  home(replies: readonly Reply[]): Promise<ReturnType<typeof renderSlackHome>>;
}

export const createDrawing = ({ controls }: Pick<SurfaceServices, 'controls'>): Drawing => ({
  message: async (reply) => renderSlack(reply, await keepControls(slackControls(reply), controls.keep)),
  home: async (replies) => renderSlackHome(replies, await keepControls(replies.flatMap(slackControls), controls.keep)),
});
