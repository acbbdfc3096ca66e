import { parseJson, readJsonPath } from '../core/json-path.ts';
import type { Check, Observed } from './check.ts';
import { findingOf } from './finding.ts';
import { isServicesFault, type Probe } from './probe.ts';
import type { LoginSettings } from './settings.ts';

export type LoggedIn =
  | { readonly outcome: 'in'; readonly token: string }
  /** fail: the service said no. unknown: it could not be asked. */
  | { readonly outcome: 'fail' | 'unknown'; readonly why: string };

/** Logs in once per run and name, whoever asks first. */
export type Logins = (name: string) => Promise<LoggedIn>;

const TIMEOUT_MS = 10_000;

export function createLogins(observed: Observed, probe: Probe, serviceOf: (named?: string) => string): Logins {
  const begun = new Map<string, Promise<LoggedIn>>();
  return (name) => {
    const settings = observed.settings.validate.logins[name];
    if (settings === undefined) {
      return Promise.resolve({ outcome: 'unknown', why: `validate.logins has no ${name}` });
    }
    const login = begun.get(name) ?? logIn(settings);
    begun.set(name, login);
    return login;
  };

  async function logIn({ service, port, token, ...call }: LoginSettings): Promise<LoggedIn> {
    const place = { service: serviceOf(service), port };
    const asked = await probe.ask(place, { ...call, timeoutMs: TIMEOUT_MS, attempts: 3 }, observed.signal);
    const question = `${call.method} ${call.path}`;
    if (asked.kind === 'silence') {
      const outcome = isServicesFault(asked) ? 'fail' : 'unknown';
      return { outcome, why: `${question} gives no answer (${asked.message})` };
    }
    if (asked.status >= 400) return { outcome: 'fail', why: `${question} answers ${asked.status}` };
    const found = readJsonPath(parseJson(asked.body), token);
    if (typeof found === 'string' && found !== '') return { outcome: 'in', token: found };
    return { outcome: 'fail', why: `${question} answers ${asked.status} without a token at ${token}` };
  }
}

/** Asks whether somebody can log in at all: a service may be healthy while nobody can. */
export function loginCheck(name: string, logins: Logins): Check<LoggedIn> {
  const check = { id: `login:${name}`, layer: 'application', path: `validate.logins.${name}` } as const;
  return {
    ...check,
    collect: () => logins(name),
    evaluate(evidence) {
      if (evidence.outcome === 'in') return [findingOf(check, { outcome: 'pass', message: `${name} can log in` })];
      return [
        findingOf(check, {
          outcome: evidence.outcome,
          severity: 'critical',
          message: `${name} cannot log in: ${evidence.why}`,
          remedy: `Look at the log of the service, and at validate.logins.${name} when the login itself changed.`,
        }),
      ];
    },
  };
}
