/** The list of commands. Adding one is a file, a line here, and its words in the grammar. */
import { accounts } from './accounts.ts';
import { adopt } from './adopt.ts';
import { answer } from './answer.ts';
import { claim } from './claim.ts';
import type { Command, CommandName } from './command.ts';
import { connect } from './connect.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { disconnect } from './disconnect.ts';
import { edit } from './edit.ts';
import { find } from './find.ts';
import { forget } from './forget.ts';
import { helpOn } from './help.ts';
import { history } from './history.ts';
import { invite } from './invite.ts';
import { join } from './join.ts';
import { link } from './link.ts';
import { list } from './list.ts';
import { mail } from './mail.ts';
import { pause } from './pause.ts';
import { people } from './people.ts';
import { preview } from './preview.ts';
import { report } from './report.ts';
import { reports } from './reports.ts';
import { restore } from './restore.ts';
import { resume } from './resume.ts';
import { role } from './role.ts';
import { run } from './run.ts';
import { share } from './share.ts';
import { show } from './show.ts';
import { snapshots } from './snapshots.ts';
import { status } from './status.ts';
import { stop } from './stop.ts';
import { timezone } from './timezone.ts';
import { undo } from './undo.ts';
import { unlink } from './unlink.ts';
import { unshare } from './unshare.ts';
import { verify } from './verify.ts';
import { when } from './when.ts';
import { whoami } from './whoami.ts';
import { why } from './why.ts';

export const COMMANDS: { [N in CommandName]: Command<N> } = {
  create,
  preview,
  list,
  show,
  run,
  stop,
  pause,
  resume,
  edit,
  delete: remove,
  undo,
  status,
  history,
  snapshots,
  find,
  restore,
  verify,
  adopt,
  connect,
  accounts,
  disconnect,
  when,
  timezone,
  whoami,
  claim,
  answer,
  link,
  unlink,
  invite,
  join,
  people,
  role,
  forget,
  share,
  unshare,
  report,
  why,
  reports,
  mail,
  help: helpOn(() => COMMANDS),
};
