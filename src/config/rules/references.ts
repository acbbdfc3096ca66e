import { at, itemsAt, membersAt, textAt } from '../tree.ts';
import { allMustExist, type Judged, mayListen, mustExist, portsOf, type Rule, servicesOf } from './rule.ts';

/** Names of services, ports, logins, channels and environments lead somewhere. */
export const references: Rule = (part) => {
  const { root } = part;
  const services = servicesOf(root).map(([name]) => name);
  const channels = membersAt(root, 'alerts', 'channels').map(([name]) => name);
  const logins = membersAt(root, 'validate', 'logins').map(([name]) => name);

  for (const [name, service] of servicesOf(root)) {
    allMustExist(part, ['services', name, 'depends_on'], 'service', services);
    const ports = portsOf(service).map((port) => port.name);
    if (ports.length > 0) mustExist(part, ['services', name, 'health', 'port'], 'port', ports);
  }
  for (const [name] of membersAt(root, 'state')) mustExist(part, ['state', name, 'service'], 'service', services);
  for (const [name] of membersAt(root, 'validate', 'logins'))
    calledService(part, ['validate', 'logins', name], services);
  for (const [name, check] of membersAt(root, 'validate', 'checks')) {
    const path = ['validate', 'checks', name];
    if (textAt(check, 'kind') === 'http') calledService(part, path, services);
    else mustExist(part, [...path, 'service'], 'service', services);
    mustExist(part, [...path, 'as'], 'login', logins);
  }
  for (const index of itemsAt(root, 'alerts', 'routes').keys()) {
    allMustExist(part, ['alerts', 'routes', index, 'send'], 'channel', channels);
    mustExist(part, ['alerts', 'routes', index, 'on_failure'], 'channel', channels);
  }
  mustExist(part, ['validate', 'baseline', 'from'], 'environment', part.environments);
};

/** A call over HTTP needs a service with a port, named where there are several. */
function calledService(part: Judged, path: readonly string[], services: readonly string[]): void {
  const { root } = part;
  if (at(root, ...path, 'service') !== undefined) mustExist(part, [...path, 'service'], 'service', services);
  const listening = servicesOf(root).filter(([, service]) => mayListen(service));
  const name = textAt(root, ...path, 'service') ?? (listening.length === 1 ? listening[0]?.[0] : undefined);
  const service = at(root, 'services', name ?? '');
  if (at(root, ...path, 'service') === undefined && services.length > 0 && listening.length === 0) {
    part.tell(path, 'asks over HTTP, but no service has a port; give one of them run.port', 'key');
  } else if (at(root, ...path, 'service') === undefined && listening.length > 1) {
    const names = listening.map(([listener]) => listener).join(', ');
    part.tell(path, `names no service, and several have a port; set service to one of ${names}`, 'key');
  } else if (service !== undefined && !mayListen(service)) {
    part.tell([...path, 'service'], `asks ${name} over HTTP, but it has no port; give it run.port`);
  } else if (service !== undefined && portsOf(service).length > 0) {
    const ports = portsOf(service).map((port) => port.name);
    mustExist(part, [...path, 'port'], 'port', ports);
  }
}
