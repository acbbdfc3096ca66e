import type { Configuration } from '../config/configuration.ts';
import { composeReport, type Report, type ReportParts } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { subjectOf } from './subject.ts';

/** Opens the environment, lets `work` decide, and makes a report of it; its subject is the live release. */
export async function answer(
  action: string,
  settings: Configuration,
  platform: Platform,
  { create }: { readonly create: boolean },
  work: (environment: Environment) => Promise<ReportParts>,
): Promise<Report> {
  const startedAt = platform.clock.now();
  const environment = await openEnvironment(settings, platform, { create });
  const live = await environment.book.live();
  const parts = await work(environment);
  return composeReport(
    action,
    subjectOf(settings, live?.record),
    { startedAt, finishedAt: platform.clock.now() },
    parts,
  );
}

/**
 * Does `work` while nobody else changes the environment: a copy made during a release would mix before and after, and
 * scratch belongs to whoever has the lease. Rejects with UserError `environment-locked` when somebody is at work.
 */
export async function underLease<T>(environment: Environment, work: () => Promise<T>): Promise<T> {
  const { leases, settings, platform } = environment;
  const actor = platform.identity.actor;
  const lease = await leases.acquire({ environment: settings.environment, purpose: 'change', actor });
  try {
    return await work();
  } finally {
    await lease.release();
  }
}
