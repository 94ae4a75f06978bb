/** Where a bucket is reached at each S3 service, and what differs between them. Pure. */

import { UsageError } from '../../engine/errors.ts';
import { checkPath } from '../../engine/path.ts';
import type { NameRules } from '../../engine/types.ts';

export type PresetName = 'aws' | 'wasabi' | 'b2' | 'r2' | 'minio' | 'other';

export interface Answers {
  preset: PresetName;
  endpoint?: string | undefined;
  accountId?: string | undefined;
  region?: string | undefined;
  pathStyle?: boolean | undefined;
}

export interface Place {
  /** `https://host[:port]`, without the bucket. */
  endpoint: string;
  region: string;
  pathStyle: boolean;
}

export interface Preset {
  title: string;
  region?: string;
  /** The service's host for a region; absent where only the person knows it. */
  endpoint?(region: string, accountId: string | undefined): string;
  pathStyle: boolean;
  /**
   * Known to refuse a body that differs from `x-amz-content-sha256`. Elsewhere small files go with Content-MD5 as well,
   * which every S3 service has checked since the beginning; md5 costs 30 µs for 24 KB.
   */
  checksSha256: boolean;
  /** An ETag of 32 hex digits may be something else than the md5, because objects may be encrypted with KMS keys. */
  etagMayLie: boolean;
  forbidden?: NameRules;
}

const CONTROL = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('');

/** S3 keys hold 1,024 bytes of UTF-8: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
export const MAX_KEY_BYTES = 1024;

export const PRESETS: Record<PresetName, Preset> = {
  aws: {
    title: 'Amazon S3',
    region: 'us-east-1',
    endpoint: (region) => `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
    pathStyle: false,
    checksSha256: true,
    etagMayLie: true,
  },
  wasabi: {
    title: 'Wasabi',
    region: 'us-east-1',
    endpoint: (region) => `https://s3.${region}.wasabisys.com`,
    pathStyle: true,
    checksSha256: false,
    etagMayLie: false,
  },
  b2: {
    title: 'Backblaze B2',
    endpoint: (region) => `https://s3.${region}.backblazeb2.com`,
    pathStyle: true,
    checksSha256: false,
    etagMayLie: false,
    // https://www.backblaze.com/docs/cloud-storage-files: no control characters, 250 bytes between two slashes
    forbidden: { characters: `${CONTROL}\u007f`, maxNameBytes: 250 },
  },
  r2: {
    title: 'Cloudflare R2',
    region: 'auto',
    endpoint: (_region, accountId) => {
      if (!accountId || !/^[0-9a-f]{32}$/i.test(accountId)) {
        throw new UsageError('Cloudflare R2 needs the account ID.', {
          code: 's3_account_id',
          advice: 'It is the 32 hex digits in the S3 API address that the R2 page of Cloudflare shows.',
        });
      }
      return `https://${accountId.toLowerCase()}.r2.cloudflarestorage.com`;
    },
    pathStyle: true,
    checksSha256: false,
    etagMayLie: false,
  },
  minio: {
    title: 'MinIO',
    region: 'us-east-1',
    pathStyle: true,
    checksSha256: true,
    etagMayLie: false,
    // it keeps objects as folders and files of its own disk
    forbidden: { maxNameBytes: 255 },
  },
  other: {
    title: 'Another S3 service',
    region: 'us-east-1',
    pathStyle: true,
    checksSha256: false,
    etagMayLie: false,
  },
};

/** What may become part of a host name: an answer must not be able to send the requests elsewhere. */
const REGION = /^[a-z0-9]+(-[a-z0-9]+)*$/i;

function checkRegion(region: string): string {
  if (!REGION.test(region)) {
    throw new UsageError(`"${region.slice(0, 60)}" is not the name of a region.`, {
      code: 's3_region',
      advice: 'Write it as the service shows it, for example eu-central-1.',
    });
  }
  return region;
}

function checkEndpoint(endpoint: string): string {
  const url = URL.parse(/^https?:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`);
  if (!url || url.username || url.password || url.search || url.hash || url.pathname !== '/') {
    throw new UsageError('The address of the S3 service is not right.', {
      code: 's3_endpoint',
      advice: 'Write the address without the bucket, for example https://minio.example.org:9000.',
    });
  }
  return url.origin;
}

/** `override` is the operator's address in place of the service's own; what a person typed is taken as it is. */
export function placeFor(answers: Answers, override: (fallback: string) => string): Place {
  const preset = PRESETS[answers.preset];
  // B2 and Wasabi show an address, not a region: s3.us-west-004.backblazeb2.com
  const shown = answers.endpoint ? /^(?:https?:\/\/)?s3[.-]([a-z0-9-]+)\./i.exec(answers.endpoint)?.[1] : undefined;
  const region = answers.region ?? shown ?? preset.region;
  if (region === undefined) {
    throw new UsageError(`${preset.title} needs the region.`, {
      code: 's3_region',
      advice: 'The page of the bucket shows it in the endpoint: in s3.us-west-004.backblazeb2.com it is us-west-004.',
    });
  }
  checkRegion(region);
  if (!answers.endpoint && !preset.endpoint) {
    throw new UsageError(`${preset.title} needs the address of the service.`, {
      code: 's3_endpoint',
      advice: 'Give `endpoint`, for example https://minio.example.org:9000.',
    });
  }
  const own = answers.endpoint ?? preset.endpoint?.(region, answers.accountId) ?? '';
  const endpoint = answers.endpoint ? own : override(own);
  return {
    endpoint: checkEndpoint(endpoint),
    region,
    // Another address than the service's own has no certificate, and often no name, for every bucket.
    pathStyle: answers.pathStyle ?? (preset.pathStyle || answers.endpoint !== undefined || endpoint !== own),
  };
}

export interface Root {
  bucket: string;
  /** `''` or a path with a slash at its end. */
  prefix: string;
}

export const chooseBucket = (bucket = ''): UsageError =>
  new UsageError(bucket === '' ? 'Which bucket?' : `"${bucket.slice(0, 80)}" is not the name of a bucket.`, {
    code: 's3_bucket',
    advice: 'Write the bucket and, if you like, a folder in it: bucket/path.',
  });

/** `bucket`, `bucket/path` or `s3://bucket/path`. Throws `UsageError` for a root that cannot be. */
export function parseRoot(root: string): Root {
  const [bucket = '', ...rest] = root
    .trim()
    .replace(/^s3:\/\//i, '')
    .replace(/\/+$/, '')
    .split('/');
  // Old buckets and other services allow capitals and underscores; nothing that could leave the host name or path does pass.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket) || bucket.includes('..')) {
    throw chooseBucket(bucket);
  }
  return { bucket, prefix: rest.length === 0 ? '' : `${checkPath(rest.join('/'))}/` };
}

export const rootText = (root: Root): string => `${root.bucket}/${root.prefix}`.replace(/\/$/, '');
