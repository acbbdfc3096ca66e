import type { Finding } from '../core/finding.ts';
import { parseJson } from '../core/json-path.ts';
import type { Baseline, BaselineEntry } from './baseline.ts';
import type { Check } from './check.ts';
import { isExpectedStatus, unmetExpectations } from './expectation.ts';
import { findingOf } from './finding.ts';
import type { LoggedIn, Logins } from './login.ts';
import { type Answer, type Asked, isServicesFault, type Place, type Probe, type Question } from './probe.ts';
import type { HttpCheckSettings } from './settings.ts';
import { compareShapes, shapeOf } from './shape.ts';

export type HttpEvidence = Asked | { readonly kind: 'not-logged-in'; readonly why: string };

/** A check that the user wrote: what it expects, and that it behaves as the baseline did. */
export function httpCheck(
  name: string,
  settings: HttpCheckSettings,
  { place, probe, logins }: { place: () => Place; probe: Probe; logins: Logins },
): Check<HttpEvidence> {
  const check = { id: name, layer: settings.layer, path: `validate.checks.${name}` } as const;
  return {
    ...check,
    timeoutMs: 15_000 + settings.attempts * (settings.timeout + 4000),
    async collect(signal) {
      const login = await logInAs(settings, logins);
      if (login !== undefined && login.outcome !== 'in') return { kind: 'not-logged-in', why: login.why };
      return probe.ask(place(), questionOf(settings, login?.token), signal);
    },
    evaluate(evidence, baseline) {
      const question = `${settings.method} ${settings.path}`;
      if (evidence.kind === 'not-logged-in') {
        const message = `${question} could not be asked: ${settings.as} cannot log in (${evidence.why})`;
        return [findingOf(check, { outcome: 'unknown', message })];
      }
      if (evidence.kind === 'silence') {
        const outcome = isServicesFault(evidence) ? 'fail' : 'unknown';
        const message = `${question} gives no answer (${evidence.message})`;
        return [findingOf(check, { outcome, severity: settings.severity, message })];
      }
      const expected = judgeExpectation(check, question, evidence, settings);
      // An answer that is wrong already says enough; its structure is that of an error.
      return expected.outcome === 'pass'
        ? [expected, ...judgeBehaviour(check, evidence, settings, baseline)]
        : [expected];
    },
    record(evidence) {
      if (evidence.kind !== 'answer') return undefined;
      return { entry: name, part: behaviourOf(evidence, settings.method) };
    },
  };
}

/** Undefined for a check that asks as nobody. */
export async function logInAs({ as }: HttpCheckSettings, logins: Logins): Promise<LoggedIn | undefined> {
  return as === undefined ? undefined : logins(as);
}

/** The request of a check; with a token it is sent as somebody. */
export function questionOf(settings: HttpCheckSettings, token: string | undefined): Question {
  const { method, path, headers, body, timeout, attempts } = settings;
  return {
    method,
    path,
    headers: token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body }),
    timeoutMs: timeout,
    attempts,
  };
}

function judgeExpectation(
  check: Pick<Check<unknown>, 'id' | 'layer' | 'path'>,
  question: string,
  answer: Answer,
  { expect, severity }: HttpCheckSettings,
): Finding {
  const unmet = unmetExpectations(answer, expect);
  const measured = { status: answer.status, durationMs: Math.round(answer.durationMs) };
  if (unmet.length === 0) {
    return findingOf(check, { outcome: 'pass', message: `${question} answers ${answer.status} as expected`, measured });
  }
  const message = `the answer to ${question} ${unmet.join(', ')}`;
  const remedy = `Correct the service, or ${check.path}.expect when this is what it shall do now.`;
  return findingOf(check, { outcome: 'fail', severity, message, measured, remedy });
}

/** What a baseline keeps of an answer: no value of it. */
function behaviourOf(answer: Answer, method: string): Partial<BaselineEntry> {
  const type = contentTypeOf(answer);
  const json = method === 'HEAD' ? undefined : parseJson(answer.body);
  return {
    status: answer.status,
    ...(type === undefined ? {} : { contentType: type }),
    ...(json === undefined ? {} : { shape: shapeOf(json) }),
  };
}

function contentTypeOf({ headers }: Answer): string | undefined {
  return /^[a-z]+\/[a-z0-9.+-]+/.exec((headers['content-type'] ?? '').toLowerCase())?.[0];
}

/** One finding under the id `behaviour:<check>`; none where the baseline does not know the check. */
function judgeBehaviour(
  check: Pick<Check<unknown>, 'id' | 'layer' | 'path'>,
  answer: Answer,
  settings: HttpCheckSettings,
  baseline: Baseline | undefined,
): Finding[] {
  const before = baseline?.checks[check.id];
  if (baseline === undefined || before?.status === undefined) return [];
  const id = `behaviour:${check.id}`;
  const question = `${settings.method} ${settings.path}`;
  const since = `${baseline.version} in ${baseline.environment}`;
  const now = behaviourOf(answer, settings.method);
  const broken: string[] = [];
  const changed: string[] = [];
  if (before.status !== now.status) {
    // A status that the check names is one that its author allows.
    const isNamed = settings.expect.status !== undefined && isExpectedStatus(answer.status, settings.expect);
    (isNamed ? changed : broken).push(`has status ${now.status} instead of ${before.status}`);
  } else if (before.contentType !== now.contentType) {
    broken.push(`has the type ${now.contentType ?? 'none'} instead of ${before.contentType ?? 'none'}`);
  } else if (before.shape !== undefined && now.shape !== undefined) {
    for (const { severity, text } of compareShapes(before.shape, now.shape)) {
      (severity === 'fail' ? broken : changed).push(text);
    }
  } else if (before.shape !== undefined) {
    broken.push('is not JSON any more');
  }
  const all = [...broken, ...changed];
  if (all.length === 0) {
    return [findingOf(check, { check: id, outcome: 'pass', message: `${question} behaves like ${since}` })];
  }
  return [
    findingOf(check, {
      check: id,
      outcome: broken.length > 0 ? 'fail' : 'warn',
      ...(broken.length > 0 ? { severity: settings.severity } : {}),
      message: `the answer to ${question} is not that of ${since}: it ${shorten(all)}`,
      remedy: 'Correct the service, or record a new baseline when this is what it shall do now.',
      measured: { broken: broken.length, changed: changed.length },
    }),
  ];
}

function shorten(texts: readonly string[]): string {
  const shown = texts.slice(0, 5).join(', ');
  return texts.length > 5 ? `${shown} and ${texts.length - 5} more` : shown;
}
