import type { Layer } from '../core/finding.ts';
import { portsOf, type ServiceSettings } from '../targets/settings.ts';
import type { Check, Observed } from './check.ts';
import { commandCheck } from './command-check.ts';
import { isExpectedStatus } from './expectation.ts';
import { httpCheck, logInAs, questionOf } from './http-check.ts';
import { diskCheck, portCheck, processCheck } from './infrastructure.ts';
import { createLogins, type Logins, loginCheck } from './login.ts';
import { latencyCheck } from './performance.ts';
import { createProbe, type Place, type Probe } from './probe.ts';
import { secretsCheck, stackTraceCheck, traversalCheck } from './security.ts';
import { healthCheck, versionCheck } from './service-checks.ts';
import type { HttpCheckSettings } from './settings.ts';

interface Planning {
  readonly observed: Observed;
  readonly probe: Probe;
  readonly logins: Logins;
  /** The service that a check means: the one it names, else the only one with a port. Throws when that is not clear. */
  readonly serviceOf: (named?: string) => string;
}

/**
 * All questions of one validation. Nothing is touched yet; each plan logs in for itself, once, when it is run, and is
 * run once.
 */
export function planChecks(observed: Observed): Check<unknown>[] {
  const probe = createProbe(observed);
  const serviceOf = (named?: string) => named ?? onlyService(observed.settings.services);
  const logins = createLogins(observed, probe, serviceOf);
  const planning = { observed, probe, logins, serviceOf };
  const { services, validate } = observed.settings;
  return [
    diskCheck(observed),
    ...Object.entries(services).flatMap(([service, settings]) => planService(service, settings, planning)),
    ...Object.keys(validate.logins).map((name) => loginCheck(name, logins)),
    ...Object.entries(validate.checks).flatMap(([name, settings]) =>
      settings.kind === 'http' ? planHttpCheck(name, settings, planning) : [commandCheck(name, settings, observed)],
    ),
  ];
}

/** The layers in which there is at least one check. */
export function layersOf(checks: readonly Pick<Check<unknown>, 'layer'>[]): Layer[] {
  return [...new Set(checks.map(({ layer }) => layer))];
}

function planService(service: string, settings: ServiceSettings, planning: Planning): Check<unknown>[] {
  const { observed, probe } = planning;
  const { health, run } = settings;
  const ports = portsOf(run);
  const status = observed.services.find((candidate) => candidate.service === service);
  const checks: Check<unknown>[] = [
    processCheck(service, run.instances, observed),
    ...ports.map(([name, port]) => portCheck(service, name, port, observed)),
  ];
  if (ports.length === 0) return checks;
  const place: Place = { service, port: health.port };
  if (health.path !== undefined) checks.push(healthCheck(place, health.path, health.request_timeout, probe));
  if (health.version !== undefined) checks.push(versionCheck(place, settings, status, probe));
  if (isHttp(service, settings, planning)) {
    checks.push(
      secretsCheck(place, observed, probe),
      stackTraceCheck(place, observed.root, probe),
      traversalCheck(place, probe),
    );
  }
  if (health.path !== undefined) checks.push(healthLatency(place, health.path, planning));
  return checks;
}

/** A port alone may speak anything; a path that is asked of it says that it speaks HTTP. */
function isHttp(service: string, { health }: ServiceSettings, { observed, serviceOf }: Planning): boolean {
  if (health.path !== undefined || health.version !== undefined) return true;
  const { logins, checks } = observed.settings.validate;
  const asked = [...Object.values(logins), ...Object.values(checks).filter(({ kind }) => kind === 'http')];
  return asked.some((call) => {
    try {
      return serviceOf(call.service) === service;
    } catch {
      return false;
    }
  });
}

function healthLatency(place: Place, path: string, { observed, probe }: Planning): Check<unknown> {
  const { clock, settings } = observed;
  const endpoint = {
    entry: `health:${place.service}`,
    place: () => place,
    question: async () => ({ method: 'GET', path, timeoutMs: 0 }),
    isGood: (status: number) => status >= 200 && status <= 299,
  };
  return latencyCheck(endpoint, settings.validate.performance, { probe, clock });
}

function planHttpCheck(name: string, settings: HttpCheckSettings, planning: Planning): Check<unknown>[] {
  const { observed, probe, logins, serviceOf } = planning;
  const place = () => ({ service: serviceOf(settings.service), port: settings.port });
  const checks: Check<unknown>[] = [httpCheck(name, settings, { place, probe, logins })];
  const isRepeatable = settings.method === 'GET' || settings.method === 'HEAD';
  if (!settings.latency || !isRepeatable) return checks;
  const endpoint = {
    entry: name,
    path: `validate.checks.${name}`,
    place,
    async question() {
      const login = await logInAs(settings, logins);
      if (login !== undefined && login.outcome !== 'in') throw new Error(`${settings.as} cannot log in (${login.why})`);
      return questionOf(settings, login?.token);
    },
    isGood: (status: number) => isExpectedStatus(status, settings.expect),
  };
  checks.push(latencyCheck(endpoint, observed.settings.validate.performance, { probe, clock: observed.clock }));
  return checks;
}

function onlyService(services: Observed['settings']['services']): string {
  const names = Object.entries(services).filter(([, { run }]) => portsOf(run).length > 0);
  const [only] = names;
  if (only === undefined) throw new Error('no service has a port');
  if (names.length > 1) {
    throw new Error(
      `it names no service, and there are several with a port: ${names.map(([name]) => name).join(', ')}`,
    );
  }
  return only[0];
}
