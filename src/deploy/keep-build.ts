import type { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { artifactName } from '../core/artifact-name.ts';
import { formatBytes } from '../core/bytes.ts';
import { UserError } from '../core/errors.ts';
import { RecordedArtifact } from '../core/recorded-artifact.ts';
import { composeReport, type Report, type ReportParts } from '../core/report.ts';
import { subjectOf } from '../environment/subject.ts';
import type { Artifact } from '../platform/artifacts.ts';
import type { Platform } from '../platform/platform.ts';
import type { Workflow } from '../platform/workflow.ts';
import { findArtifact, runBuild } from './build.ts';
import { withBuildCache } from './build-cache.ts';
import { PACKED_BUILD, packBuild } from './packed-build.ts';
import { requireWorkflow } from './recorded-artifact.ts';

/** Nothing needs it once the run has ended, save somebody who runs a job of it again. */
const KEEP_DAYS = 30;

/**
 * The action `build`: builds every service that has a build, packs what they left and keeps it as an artifact of this
 * run. With `artifact`, the name of one that somebody else made in this run, it builds nothing and records that one.
 */
export async function buildAlone(
  artifact: string | undefined,
  settings: Configuration,
  platform: Platform,
): Promise<Report> {
  const startedAt = platform.clock.now();
  const workflow = requireWorkflow(platform);
  const parts =
    artifact === undefined
      ? await buildAndKeep(settings, workflow, platform)
      : recordNamed(artifact, await workflow.artifacts.list(artifact, workflow.run.id), workflow);
  const times = { startedAt, finishedAt: platform.clock.now() };
  return composeReport('build', subjectOf(settings), times, parts);
}

async function buildAndKeep(settings: Configuration, workflow: Workflow, platform: Platform): Promise<ReportParts> {
  const built = Object.keys(settings.services).filter((name) => settings.services[name]?.build !== undefined);
  if (built.length === 0) {
    return { reason: 'nothing-to-build', summary: 'no service has a build', record: { artifact: null } };
  }
  const outputs = new Map<string, string>();
  for (const service of built) {
    await withBuildCache(service, settings, platform, () => runBuild(service, settings, platform));
    outputs.set(service, await findArtifact(service, settings, platform));
  }
  const { files } = platform;
  const into = await files.makeTemporary('holdfast-build-');
  const step = platform.log.step('keep what was built');
  try {
    const { directory, file } = settings;
    const packed = await packBuild({ outputs, directory, file, into }, platform);
    const name = artifactName('build', settings, workflow.run.attempt);
    const kept = await workflow.artifacts.upload(name, into, [PACKED_BUILD], KEEP_DAYS);
    const size = formatBytes(packed.sizeBytes);
    step.end('proceed', `${packed.files} files, ${size}`);
    const record = recorded({ ...kept, name, run: workflow.run.id, sha256: packed.sha256 });
    return {
      reason: 'built',
      summary: `built ${built.join(', ')}: ${size} as the artifact ${name}`,
      record: { artifact: record },
    };
  } catch (error) {
    step.end('stop', 'was not kept');
    throw error;
  } finally {
    await files.remove(into);
  }
}

function recordNamed(name: string, found: readonly Artifact[], { run }: Workflow): ReportParts {
  const here = found.filter((each) => each.name === name && each.run === run.id);
  const usable = here.filter(({ isExpired }) => !isExpired);
  const [chosen] = usable;
  if (chosen === undefined) {
    const what = here.length === 0 ? 'has no artifact' : 'no longer has the artifact';
    throw new UserError('artifact-missing', `the run ${run.id} ${what} ${name}: ${run.url}`, {
      hint: 'Upload it in a job that this one needs, and name it as that job does.',
    });
  }
  if (usable.length > 1) {
    throw new UserError('artifact-ambiguous', `the run ${run.id} has ${usable.length} artifacts called ${name}`, {
      hint: 'Add ${{ github.run_attempt }} to the name, so that each attempt has one of its own.',
    });
  }
  const record = recorded({ ...chosen, sha256: null });
  return { reason: 'named', summary: `the artifact ${name} is the one to release`, record: { artifact: record } };
}

function recorded(artifact: z.input<typeof RecordedArtifact>): RecordedArtifact {
  const parsed = RecordedArtifact.safeParse(artifact);
  if (parsed.success) return parsed.data;
  throw new UserError('artifact-missing', `GitHub does not tell the digest of the artifact ${artifact.name}`, {
    hint: 'Upload it with actions/upload-artifact of version 4 or later.',
    cause: parsed.error,
  });
}
