import { formatDuration } from '../core/duration.ts';
import type { Finding } from '../core/finding.ts';
import type { Clock } from '../platform/clock.ts';
import type { Baseline, Latency } from './baseline.ts';
import type { Check } from './check.ts';
import { findingOf } from './finding.ts';
import type { Place, Probe, Question } from './probe.ts';
import type { PerformanceSettings } from './settings.ts';

/** An endpoint whose response time is compared. */
export interface Endpoint {
  /** The entry of the baseline: the id of the check that asks the same. */
  readonly entry: string;
  readonly path?: string;
  readonly place: () => Place;
  /** Rejects when the question cannot be asked, for example because nobody can log in. */
  question(): Promise<Question>;
  isGood(status: number): boolean;
}

interface Samples {
  readonly durationsMs: readonly number[];
  readonly asked: number;
}

/** Fewer good answers than this say nothing about a median. */
const FEWEST = 5;
/** A slow endpoint is asked fewer times: a rollback should not wait for its last sample. */
const BUDGET_MS = 4000;
const PAUSE_MS = 1000;

/**
 * Asks an endpoint several times, one request after the other on one kept connection, and compares the median with that
 * of the baseline. The first answer is discarded: it warms caches and opens the connection. Where the median is above
 * the floor, a second round follows a moment later and the faster one counts: a machine is busy for a moment, an endpoint
 * that became slow stays slow.
 */
export function latencyCheck(
  endpoint: Endpoint,
  settings: PerformanceSettings,
  { probe, clock }: { probe: Probe; clock: Clock },
): Check<Samples> {
  const { entry, path } = endpoint;
  const check = {
    id: `latency:${entry}`,
    layer: 'performance',
    turn: 'alone',
    ...(path === undefined ? {} : { path }),
  } as const;

  async function sampleRound(signal: AbortSignal): Promise<Samples> {
    const question = { ...(await endpoint.question()), timeoutMs: requestTimeout(settings), attempts: 1 };
    const session = probe.openSession();
    const until = clock.now() + BUDGET_MS;
    const durationsMs: number[] = [];
    let asked = 0;
    try {
      await probe.ask(endpoint.place(), { ...question, session }, signal);
      while (asked < settings.samples && (asked < FEWEST || clock.now() < until)) {
        const answer = await probe.ask(endpoint.place(), { ...question, session }, signal);
        asked += 1;
        if (answer.kind === 'answer' && endpoint.isGood(answer.status)) durationsMs.push(answer.durationMs);
        // No answer in time is the slowest of answers.
        if (answer.kind === 'silence' && answer.code === 'ETIMEDOUT') durationsMs.push(question.timeoutMs);
      }
    } finally {
      session.close();
    }
    return { durationsMs, asked };
  }

  return {
    ...check,
    timeoutMs: 2 * (BUDGET_MS + (FEWEST + 1) * requestTimeout(settings)) + PAUSE_MS,
    async collect(signal) {
      const first = await sampleRound(signal);
      if (!isEnough(first) || latencyOf(first.durationsMs).p50Ms <= settings.floor) return first;
      await clock.sleep(PAUSE_MS, signal);
      const second = await sampleRound(signal);
      if (!isEnough(second)) return first;
      return latencyOf(second.durationsMs).p50Ms < latencyOf(first.durationsMs).p50Ms ? second : first;
    },
    evaluate: (samples, baseline) => [judgeLatency(check, entry, samples, baseline, settings)],
    record(samples) {
      if (!isEnough(samples)) return undefined;
      return { entry, part: { latency: latencyOf(samples.durationsMs) } };
    },
  };
}

function isEnough({ durationsMs, asked }: Samples): boolean {
  return durationsMs.length >= Math.max(FEWEST, asked / 2);
}

function requestTimeout({ limit }: PerformanceSettings): number {
  return limit + 1000;
}

function judgeLatency(
  check: Pick<Check<unknown>, 'id' | 'layer' | 'path'>,
  entry: string,
  samples: Samples,
  baseline: Baseline | undefined,
  settings: PerformanceSettings,
): Finding {
  const { durationsMs, asked } = samples;
  if (!isEnough(samples)) {
    const message = `the response time of ${entry} is not known: ${durationsMs.length} of ${asked} answers were good`;
    return findingOf(check, { outcome: 'unknown', message, measured: { good: durationsMs.length, asked } });
  }
  const now = latencyOf(durationsMs);
  const before = baseline?.checks[entry]?.latency;
  const measured = { medianMs: now.p50Ms, p95Ms: now.p95Ms, samples: now.n };
  const median = `${entry} takes ${formatDuration(now.p50Ms)} at the median`;
  if (now.p50Ms > settings.limit) {
    const message = `${median}, more than the limit of ${formatDuration(settings.limit)}`;
    return findingOf(check, { outcome: 'fail', message, measured, remedy: REMEDY });
  }
  if (before === undefined || baseline === undefined) {
    const message = `${median}; there is no baseline, so only the limit of ${formatDuration(settings.limit)} was applied`;
    return findingOf(check, { outcome: 'pass', message, measured });
  }
  const compared = { ...measured, baselineMedianMs: before.p50Ms };
  const since = `${formatDuration(before.p50Ms)} of ${baseline.version} in ${baseline.environment}`;
  const isSlower = now.p50Ms > before.p50Ms * settings.slower && now.p50Ms - before.p50Ms >= settings.floor;
  if (!isSlower)
    return findingOf(check, { outcome: 'pass', message: `${median}, compared with ${since}`, measured: compared });
  const message = `${median}, more than ${settings.slower} times the ${since}`;
  return findingOf(check, { outcome: 'fail', message, measured: compared, remedy: REMEDY });
}

const REMEDY = 'Make it faster again, or raise validate.performance when this is what it shall take now.';

function latencyOf(durationsMs: readonly number[]): Latency {
  const sorted = [...durationsMs].sort((a, b) => a - b);
  return { p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95), n: sorted.length };
}

/** Linear between the two nearest ranks, in tenths of a millisecond. `sorted` is not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  const rank = share * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] ?? 0;
  const high = sorted[Math.ceil(rank)] ?? low;
  return Math.round((low + (high - low) * (rank - Math.floor(rank))) * 10) / 10;
}
