/** The peer of bench/ack.ts: the least a bot can be with the SDKs that Keepsake uses. It acknowledges at once and says one word. */
import { App } from '@slack/bolt';
import { ApplicationCommandOptionType, Client, Events, GatewayIntentBits, MessageFlags } from 'discord.js';

const [kind = ''] = process.argv.slice(2);
const setting = (name: string): string => process.env[name] ?? '';
const up = (): void => void process.stdout.write('up\n');
process.on('SIGTERM', () => process.exit(0));

if (kind === 'discord') {
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    rest: { api: `${setting('KEEPSAKE_ENDPOINT_DISCORD')}/api` },
  });
  client.on(Events.InteractionCreate, async (interaction) => {
    if (!interaction.isChatInputCommand()) return;
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    await interaction.editReply('Done.');
  });
  client.once(Events.ClientReady, async ({ application }) => {
    const request = { type: ApplicationCommandOptionType.String as const, name: 'request', description: 'A line' };
    const ask = {
      type: ApplicationCommandOptionType.Subcommand as const,
      name: 'ask',
      description: 'One line',
      options: [request],
    };
    await application.commands.set([{ name: 'backup', description: 'Backups', options: [ask] }]);
    up();
  });
  await client.login(setting('DISCORD_TOKEN'));
} else {
  const clientOptions = { slackApiUrl: `${setting('KEEPSAKE_ENDPOINT_SLACK')}/api/` };
  const token = setting('SLACK_BOT_TOKEN');
  const appToken = setting('SLACK_APP_TOKEN');
  const app = new App(
    appToken
      ? { token, appToken, socketMode: true, clientOptions }
      : { token, signingSecret: setting('SLACK_SIGNING_SECRET'), clientOptions },
  );
  app.command('/backup', async ({ ack, respond }) => {
    await ack();
    await respond('Done.');
  });
  await app.start(Number(setting('PORT')));
  up();
}
