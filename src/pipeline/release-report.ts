import { formatDuration } from '../core/duration.ts';
import { countOutcomes, type Finding } from '../core/finding.ts';
import { composeReport, type RELEASE_REASONS, type Report } from '../core/report.ts';
import type { FellBack } from '../environment/fall-back.ts';
import { describeWrites } from '../environment/restore.ts';
import { subjectOf } from '../environment/subject.ts';
import type { ReleaseRun, SafetyNet } from './run.ts';
import type { Verdict } from './stages.ts';

/** How a release ended. */
export interface Ending {
  readonly reason: (typeof RELEASE_REASONS)[number];
  /** The verdict that decided it. */
  readonly because: Verdict;
  readonly net?: SafetyNet;
  readonly back?: FellBack;
  /** Where the host writes the page that tells the story. */
  readonly page?: string;
  /** Why the way back failed. */
  readonly trouble?: Verdict;
}

/** The report of a release: what was decided and why, what is live, what became of the data. */
export function reportRelease(run: ReleaseRun, ending: Ending): Report {
  const { settings, stages, request, id, startedAt, platform } = run;
  const { reason, net, back } = ending;
  const live =
    reason === 'released' || reason === 'live-not-good'
      ? { release: id, version: request.version }
      : reason === 'rolled-back'
        ? back?.to === undefined
          ? null
          : { release: back.to.release, version: back.to.version }
        : undefined;
  const record = {
    ...(live === undefined ? {} : { live }),
    steps: stages.steps,
    ...(net?.backup === undefined
      ? {}
      : { backup: { ...net.backup, ...(net.proof === undefined ? {} : { proof: net.proof }) } }),
    ...(back === undefined
      ? {}
      : {
          rollback: {
            from: { release: id, version: request.version },
            ...(back.to === undefined ? {} : { to: { release: back.to.release, version: back.to.version } }),
            data: back.data,
            dataReason: back.dataReason,
            durationMs: back.durationMs,
            steps: back.walk.steps.map(({ name, durationMs, result }) => ({
              name,
              durationMs,
              outcome: result.outcome,
            })),
          },
          writes: back.writes,
        }),
    policy: 'local file',
    ...(ending.page === undefined ? {} : { reportFile: ending.page }),
  };
  const times = { startedAt, finishedAt: platform.clock.now() };
  const proceed = reason === 'released' || reason === 'live-not-good';
  return composeReport('release', subjectOf(settings, { release: id, version: request.version }), times, {
    decision: proceed ? 'proceed' : 'stop',
    reason,
    summary: summarise(run, ending, times.finishedAt - startedAt),
    findings: [...stages.findings, ...keptWrites(ending), ...restoredNothing(ending)],
    record,
  });
}

/** Data that was kept although something was written since the backup: nothing is lost, but somebody should look. */
function keptWrites({ back, net }: Ending): Finding[] {
  const written = back === undefined || back.data === 'restored' ? undefined : describeWrites(back.writes);
  if (written === undefined || net?.backup === undefined) return [];
  return [
    {
      check: 'data-kept',
      layer: 'release',
      outcome: 'warn',
      severity: 'medium',
      message: `the data was kept (${back?.dataReason ?? ''}), and since the backup was written: ${written}`,
      remedy: `If the failed release wrote it wrongly: holdfast backup restore ${net.backup.id}. To have it restored at once next time: backup.on_rollback: always.`,
      path: 'backup.on_rollback',
    },
  ];
}

/** A source that was empty in the backup: what the failed release did to what the service really keeps was not undone. */
function restoredNothing({ back, net }: Ending): Finding[] {
  if (back?.data !== 'restored' || back.to === undefined) return [];
  const empty = (net?.backup?.sources ?? []).filter(({ entryCount }) => entryCount === 0);
  return empty.map(({ name }) => ({
    check: `state-restored:${name}`,
    layer: 'release',
    outcome: 'warn',
    severity: 'high',
    message: `the backup held nothing of state.${name}, so nothing of it was brought back`,
    remedy: 'See whether its path is where the service really writes.',
    path: `state.${name}`,
  }));
}

function summarise(
  { request, settings, stages }: ReleaseRun,
  { reason, because, back, trouble }: Ending,
  tookMs: number,
): string {
  const { version } = request;
  const { fail, pass, warn, unknown } = countOutcomes(stages.findings);
  const asked = fail + pass + warn + unknown;
  switch (reason) {
    case 'released':
      return `${version} is live and good in ${settings.environment} after ${formatDuration(tookMs)}; ${asked} checks, none failed`;
    case 'live-not-good':
      return `${version} is live in ${settings.environment} but not good: ${because.summary}`;
    case 'not-started':
      return `${version} was not released and nothing was changed: ${because.summary}`;
    case 'rolled-back': {
      const failed =
        because.reason === 'check-failed' ? `failed ${fail} of ${asked} checks` : `failed (${because.summary})`;
      const now = back?.to === undefined ? 'nothing is live, as before' : `${back.to.version} is live again`;
      const lost = back?.data === 'restored' ? describeWrites(back.writes) : undefined;
      const data =
        back?.data === 'restored'
          ? `, data restored${lost === undefined ? '' : ` (written since the backup and not in it: ${lost})`}`
          : '';
      return `${version} ${failed}; ${now} after ${formatDuration(back?.durationMs ?? 0)}${data}`;
    }
    case 'unsafe':
      return `${version} failed (${because.summary}) and the way back failed too: ${trouble?.summary ?? 'see the steps'}. A person is needed`;
  }
}
