import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { formatBytes } from '../core/bytes.ts';
import { UserError } from '../core/errors.ts';
import type { RecordedArtifact } from '../core/recorded-artifact.ts';
import type { Platform } from '../platform/platform.ts';
import { namingFullDisk } from '../stores/disk.ts';
import { type ArtifactLimits, stageArtifact } from '../targets/directory/artifact.ts';
import { PACKED_BUILD } from './packed-build.ts';
import { place } from './place.ts';
import { requireWorkflow } from './recorded-artifact.ts';

/** Where an artifact goes. */
export interface Destination {
  /** The folder of holdfast.yml. */
  readonly folder: string;
  /** Absolute paths that the artifact may not touch: holdfast.yml, the root of an environment. */
  readonly guarded: readonly string[];
  /** What services are deployed from, relative to the folder: what lies there is replaced, not added to. */
  readonly whole: readonly string[];
  /** Paths that it must bring: what lies there otherwise is not what was built. */
  readonly required: readonly string[];
  readonly limits?: ArtifactLimits;
}

/** More than any application is made of; an artifact that unpacks to more would fill the disk. */
const LIMITS: ArtifactLimits = { entries: 500_000, sizeBytes: 16 * 1024 ** 3, depth: 100 };

/**
 * Downloads the artifact that was recorded and unpacks it into the folder of holdfast.yml. Throws UserError
 * `artifact-of-another-run`, `artifact-missing` (also when it lacks a path), `artifact-expired`, `artifact-changed` for what
 * is not what was recorded, `artifact-unsafe` and `artifact-too-large` for what may not be unpacked, and `no-workflow`
 * where there is no run. After an error everything lies as before.
 */
export async function takeArtifact(
  recorded: RecordedArtifact,
  destination: Destination,
  platform: Pick<Platform, 'files' | 'log' | 'random' | 'signal' | 'workflow'>,
): Promise<void> {
  const { artifacts, run } = requireWorkflow(platform);
  if (recorded.run !== run.id) {
    const message = `the artifact ${recorded.name} is of the run ${recorded.run}, not of ${run.id}`;
    throw new UserError('artifact-of-another-run', message, {
      hint: 'A release takes what was built in its own run.',
    });
  }
  const { files } = platform;
  const step = platform.log.step(`take the artifact ${recorded.name}`);
  const downloaded = await files.makeTemporary('holdfast-artifact-');
  const beside = join(destination.folder, `.holdfast-taken-${platform.random.hex(8)}`);
  try {
    await artifacts.download(recorded, downloaded);
    const artifact = await whatToUnpack(recorded, downloaded, platform);
    const [from, aside] = [join(beside, 'new'), join(beside, 'old')];
    await files.makeDirectory(aside, 0o700);
    const unpacking = () => stageArtifact(artifact, from, [], { from: files, to: files }, destination.limits ?? LIMITS);
    const staged = await namingFullDisk(destination.folder, undefined, unpacking, files);
    await requirePaths(recorded, destination, from, files);
    const { folder: into, guarded, whole } = destination;
    await place({ from, into, guarded, whole, aside }, platform);
    step.end('proceed', `${staged.files} files, ${formatBytes(staged.sizeBytes)}`);
  } catch (error) {
    step.end('stop', 'was not taken');
    throw error;
  } finally {
    await files.remove(beside);
    await files.remove(downloaded);
  }
}

/** The packed build in what was downloaded, or all of it, as somebody uploaded it. */
async function whatToUnpack(
  recorded: RecordedArtifact,
  downloaded: string,
  { files }: Pick<Platform, 'files'>,
): Promise<string> {
  const names = await files.list(downloaded);
  const packed = join(downloaded, PACKED_BUILD);
  const isPacked = names.length === 1 && (await files.status(packed))?.type === 'file';
  if (recorded.sha256 === null) return isPacked ? packed : downloaded;
  if (!isPacked) throw changed(recorded, `it does not hold ${PACKED_BUILD} alone`);
  const hash = createHash('sha256');
  for await (const chunk of files.openRead(packed)) hash.update(chunk);
  if (hash.digest('hex') !== recorded.sha256) throw changed(recorded, `its ${PACKED_BUILD} has another digest`);
  return packed;
}

async function requirePaths(
  { name }: RecordedArtifact,
  { required }: Destination,
  from: string,
  files: Platform['files'],
): Promise<void> {
  for (const path of required) {
    if ((await files.status(join(from, path))) !== undefined) continue;
    throw new UserError(
      'artifact-missing',
      `the artifact ${name} does not hold ${path}, from which a service is made`,
      {
        hint: 'Build it with the configuration that is released, or put it into the artifact under this path.',
      },
    );
  }
}

function changed({ name, digest }: RecordedArtifact, how: string): UserError {
  return new UserError(
    'artifact-changed',
    `the artifact ${name} is not the one that was recorded (${digest}): ${how}`,
    {
      hint: 'Somebody replaced it after it was built: find out who before you release.',
    },
  );
}
