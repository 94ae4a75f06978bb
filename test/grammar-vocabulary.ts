/** The names that the grammar's tests know: one account of Drive and iCloud, two of S3, three plans. */
import type { Vocabulary } from '../src/engine/commands/command.ts';

const both = ['source', 'destination'] as const;

export const vocabulary: Vocabulary = {
  now: new Date('2026-11-20T14:23:00Z'),
  zone: 'Europe/Berlin',
  kinds: [
    { name: 'local', title: 'Folder', aliases: ['my computer', 'this computer', 'disk'], roles: both },
    { name: 'gdrive', title: 'Google Drive', aliases: ['google drive', 'gd'], roles: both },
    { name: 'icloud', title: 'iCloud Photos', aliases: ['apple photos'], roles: ['source'] },
    { name: 'onedrive', title: 'OneDrive', aliases: ['one drive'], roles: both },
    { name: 's3', title: 'Amazon S3', aliases: ['aws', 'bucket'], roles: both },
    { name: 'webdav', title: 'WebDAV', aliases: ['nextcloud', 'nas'], roles: both },
    { name: 'gmail', title: 'Gmail', aliases: ['google mail'], roles: ['source'] },
  ],
  accounts: [
    { name: 'gdrive-ana', kind: 'gdrive' },
    { name: 'iCloud of Ana', kind: 'icloud' },
    { name: 'work-s3', kind: 's3' },
    { name: 'home s3', kind: 's3' },
  ],
  plans: [{ name: 'photos' }, { name: 'Family photos' }, { name: 'Pictures to usb' }],
};

export const onePlan: Vocabulary = { ...vocabulary, plans: [{ name: 'photos' }] };
export const noPlans: Vocabulary = { ...vocabulary, plans: [], accounts: [] };
/** As in a reply to a report of the plan "photos". */
export const inThread: Vocabulary = { ...vocabulary, plan: 'photos' };
