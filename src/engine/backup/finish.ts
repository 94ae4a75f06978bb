/** The end of a run at one destination: retention, the manifest, and the bytes that retention gave up. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { IntegrityError, UsageError } from '../errors.ts';
import { joinPath, OWN_FOLDER } from '../path.ts';
import type { OpenLocation } from '../services.ts';
import { catalogRange, type Store, versionRange } from '../store/store.ts';
import type { CatalogLine, Location, Plan, Run, SnapshotRecord } from '../types.ts';
import { WHOLE } from './copy.ts';
import { type ManifestHead, manifestPath, type PlaceText, README, readFileBytes, writeManifest } from './manifest.ts';
import { markExpired, removeDoomed } from './prune.ts';
import { retrying } from './retry.ts';
import type { RunTools } from './run.ts';
import { runTime } from './run-id.ts';
import type { Destination } from './target.ts';

/** Retention, manifest, then the bytes that retention gave up: in this order a crash never leaves a manifest that lies. */
export async function finish(
  run: Run,
  plan: Plan,
  tools: RunTools,
  signal: AbortSignal,
  destination: Destination,
  previous: SnapshotRecord | undefined,
  worked: boolean,
): Promise<void> {
  const { store, clock } = tools;
  const { provider } = destination.open;
  const { index } = destination;
  const now = clock.now();
  let marked = 0;
  if (plan.retention) {
    const points: string[] = [runTime(run.id)];
    for await (const record of store.find('snapshots', { index: 'plan+started', equals: [plan.id] })) {
      if (record.destination === index) points.push(record.started);
    }
    marked = await markExpired({ store, plan, destination: index, policy: plan.retention, points, now }, signal);
  }
  // A manifest that `verify` found damaged is followed by a whole one.
  if (!worked && marked === 0 && previous && !previous.verified?.bad) return;

  const head: ManifestHead = {
    keepsake: 1,
    run: run.id,
    ...(previous && { parent: previous.run }),
    started: run.started ?? run.queued,
    plan: {
      id: plan.id,
      name: plan.name,
      line: plan.line,
      source: await placeText(store, plan.source),
      destinations: await Promise.all(plan.destinations.map((location) => placeText(store, location))),
      schedule: plan.schedule,
      filter: plan.filter,
      ...(plan.retention && { retention: plan.retention }),
      report: plan.report,
      ...(plan.limit !== undefined && { limit: plan.limit }),
      ...(plan.layout !== undefined && { layout: plan.layout }),
    },
    destination: index,
  };
  async function* lines(): AsyncGenerator<CatalogLine> {
    yield* store.find('catalog', catalogRange(plan.id, index));
    yield* store.find('catalog', versionRange(plan.id, index));
  }
  const manifest = await writeManifest(tools.scratch, head, lines(), () => clock.now().toISOString(), signal);
  try {
    const patient = (work: () => Promise<void>) => retrying(work, clock, signal);
    if (!previous) {
      await patient(() => writeOwn(provider, joinPath(OWN_FOLDER, 'README.txt'), Buffer.from(README), signal));
    }
    await patient(() => {
      const content = manifest.size <= WHOLE ? readFileSync(manifest.file) : readFileBytes(manifest.file);
      return writeOwn(provider, manifestPath(run.id), content, signal, manifest.size);
    });
  } finally {
    manifest.remove();
  }
  await store.putMany('snapshots', [
    {
      id: `${run.id}.${index}`,
      plan: plan.id,
      destination: index,
      run: run.id,
      started: head.started,
      ended: manifest.foot.ended,
      files: manifest.foot.files,
      bytes: manifest.foot.bytes,
      manifest: manifestPath(run.id),
      sha256: manifest.foot.sha256,
    },
  ]);
  await removeDoomed({ store, plan, destination: index, provider }, signal);
}

/** Writes one of Keepsake's own files and makes sure that it is there. */
async function writeOwn(
  provider: OpenLocation['provider'],
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  size = content instanceof Uint8Array ? content.byteLength : undefined,
): Promise<void> {
  if (!provider.write) throw new UsageError('This place cannot be written to.', { code: 'read_only' });
  const hashes = content instanceof Uint8Array ? { hashes: { sha256: hash('sha256', content) } } : {};
  const answer = await provider.write({ path, content, ...(size !== undefined && { size }), ...hashes }, { signal });
  const there = answer.size ?? (await provider.confirm?.([path], { signal }))?.[0]?.size;
  if (size !== undefined && there !== size) {
    throw new IntegrityError(`${path} was written with ${size} bytes and the destination holds ${there ?? 'nothing'}.`);
  }
}

async function placeText(store: Store, location: Location): Promise<PlaceText> {
  const account = location.account ? await store.get('accounts', location.account) : undefined;
  return { kind: location.kind, root: location.root, text: location.text, ...(account && { account: account.name }) };
}
