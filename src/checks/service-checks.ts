import { readVersion } from '../core/json-path.ts';
import type { ServiceSettings } from '../targets/settings.ts';
import type { ServiceStatus } from '../targets/target.ts';
import type { Check } from './check.ts';
import { findingOf } from './finding.ts';
import { type Asked, isServicesFault, type Place, type Probe } from './probe.ts';

/** Enough that each of a few instances behind one port answers at least once in practice. */
const CONNECTIONS_PER_INSTANCE = 5;
const MOST_CONNECTIONS = 20;

/** The health path still answers 2xx, some time after the deploy saw it do so. */
export function healthCheck(place: Place, path: string, timeoutMs: number, probe: Probe): Check<Asked> {
  const { service } = place;
  const check = { id: `health:${service}`, layer: 'application', path: `services.${service}.health` } as const;
  return {
    ...check,
    collect: (signal) => probe.ask(place, { method: 'GET', path, timeoutMs, attempts: 3 }, signal),
    evaluate(asked) {
      if (asked.kind === 'silence') {
        const message = `${path} of ${service} gives no answer (${asked.message})`;
        return [
          findingOf(check, { outcome: isServicesFault(asked) ? 'fail' : 'unknown', severity: 'critical', message }),
        ];
      }
      const isGood = asked.status >= 200 && asked.status <= 299;
      return [
        findingOf(check, {
          outcome: isGood ? 'pass' : 'fail',
          severity: 'critical',
          message: `${path} of ${service} answers ${asked.status}`,
          measured: { status: asked.status, durationMs: Math.round(asked.durationMs) },
        }),
      ];
    },
  };
}

/** Every new connection reaches the version that is live, and no other one. */
export function versionCheck(
  place: Place,
  settings: ServiceSettings,
  status: ServiceStatus | undefined,
  probe: Probe,
): Check<readonly Asked[]> {
  const { service } = place;
  const { version, request_timeout: timeoutMs } = settings.health;
  const check = { id: `version:${service}`, layer: 'application', path: `services.${service}.health.version` } as const;
  const connections = Math.min(MOST_CONNECTIONS, CONNECTIONS_PER_INSTANCE * settings.run.instances);
  return {
    ...check,
    async collect(signal) {
      const answers: Asked[] = [];
      for (let count = 0; count < connections; count += 1) {
        // Without a session each request opens its own connection.
        answers.push(
          await probe.ask(place, { method: 'GET', path: version?.path ?? '/', timeoutMs, attempts: 3 }, signal),
        );
      }
      return answers;
    },
    evaluate(answers) {
      const expected = status?.version;
      if (expected === undefined) {
        return [findingOf(check, { outcome: 'unknown', message: `which version of ${service} is live is not known` })];
      }
      const silence = answers.find((asked) => asked.kind === 'silence');
      if (silence !== undefined) {
        const message = `${version?.path} of ${service} gives no answer (${silence.message})`;
        return [findingOf(check, { outcome: isServicesFault(silence) ? 'fail' : 'unknown', message })];
      }
      const found = answers.map((asked) =>
        asked.kind === 'answer' ? readVersion(asked.body, version?.json) : undefined,
      );
      const others = [...new Set(found.filter((one) => one !== expected))];
      const measured = { connections: answers.length, right: found.filter((one) => one === expected).length };
      if (others.length === 0) {
        return [
          findingOf(check, { outcome: 'pass', message: `${service} answers with version ${expected}`, measured }),
        ];
      }
      const named = others.map((one) => (one === undefined ? 'no version' : JSON.stringify(one.slice(0, 80))));
      return [
        findingOf(check, {
          outcome: 'fail',
          severity: 'critical',
          message: `${version?.path} of ${service} answers ${named.join(' and ')} instead of ${expected}`,
          measured,
          remedy: 'Look for a process of another version that still takes connections.',
        }),
      ];
    },
  };
}
