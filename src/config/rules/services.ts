import { parseDuration } from '../../core/duration.ts';
import { variableName } from '../../core/names.ts';
import { at, flagAt, membersAt, numberAt, type Path, type Tree, textAt } from '../tree.ts';
import { type Judged, mayListen, portsOf, type Rule, servicesOf } from './rule.ts';

/** Settings of one service that exclude or need one another. */
export const services: Rule = (part) => {
  if (servicesOf(part.root).length === 0 && at(part.root, 'services')?.type === 'map') {
    part.tell(['services'], 'there is no service; name at least one', 'key');
  }
  for (const [name, service] of servicesOf(part.root)) {
    if (service.type !== 'map') continue;
    const path = ['services', name];
    artifact(part, path, service);
    run(part, path, name, service);
    health(part, path, service);
    environment(part, path, service);
  }
};

function artifact(part: Judged, path: Path, service: Tree): void {
  const built = at(service, 'build') !== undefined;
  const given = at(service, 'artifact') !== undefined;
  if (built && given)
    part.tell([...path, 'artifact'], 'artifact and build exclude each other; keep one of them', 'key');
  if (!built && !given && !isDoubtful(service))
    part.tell(path, 'nothing to deploy: give artifact, or build with its output', 'key');
}

function run(part: Judged, path: Path, name: string, service: Tree): void {
  const strategy = textAt(service, 'run', 'strategy');
  const twoVersions = flagAt(service, 'run', 'two_versions_at_once') === true;
  const ports = portsOf(service);
  const strategyPath = [...path, 'run', 'strategy'];
  if (at(service, 'run', 'port') !== undefined && at(service, 'run', 'ports') !== undefined) {
    part.tell([...path, 'run', 'port'], 'port and ports exclude each other; put it under ports with a name', 'key');
  }
  if ((strategy === 'socket' || strategy === 'overlap') && !mayListen(service)) {
    part.tell(strategyPath, `${strategy} needs a port to keep open; give run.port, or take restart`);
  }
  if (twoVersions && strategy !== undefined && strategy !== 'socket') {
    part.tell(
      [...path, 'run', 'two_versions_at_once'],
      `goes with the strategy socket only, not with ${strategy}; remove it`,
    );
  }
  if (strategy === 'restart' && ports.length > 0 && (numberAt(service, 'run', 'instances') ?? 1) > 1) {
    const message = 'several instances cannot share a port under restart; take socket or overlap, or one instance';
    part.tell([...path, 'run', 'instances'], message);
  }
  const overlapping = strategy === 'overlap' || (strategy === 'socket' && twoVersions);
  if (!overlapping) return;
  const cause = strategy === 'overlap' ? strategyPath : [...path, 'run', 'two_versions_at_once'];
  if (at(service, 'health', 'version') === undefined && !isDoubtful(at(service, 'health')) && ports.length > 0) {
    const message =
      'two versions answer for a while, so health.version is required: only it tells which one has answered';
    part.tell(cause, message, 'key');
  }
  const database = membersAt(part.root, 'state').find(
    ([, source]) => textAt(source, 'kind') === 'sqlite' && textAt(source, 'service') === name,
  );
  if (database !== undefined) {
    const message = `two versions would write to the same SQLite file (state.${database[0]}); take restart, or socket with one version at a time`;
    part.tell(cause, message, 'key');
  }
}

function health(part: Judged, path: Path, service: Tree): void {
  for (const key of ['path', 'version', 'port']) {
    if (mayListen(service) || at(service, 'health', key) === undefined) continue;
    part.tell([...path, 'health', key], 'the service has no port to ask; give run.port, or remove this', 'key');
  }
  if (at(service, 'health', 'path') === undefined) return;
  const interval = parseDuration(textAt(service, 'health', 'interval') ?? '');
  const timeout = parseDuration(textAt(service, 'health', 'timeout') ?? '');
  const streak = numberAt(service, 'health', 'streak');
  if (interval === undefined || timeout === undefined || streak === undefined) return;
  if ((streak - 1) * interval < timeout) return;
  const message = `${streak} good answers ${textAt(service, 'health', 'interval')} apart take longer than timeout allows (${textAt(service, 'health', 'timeout')}); lengthen the timeout`;
  part.tell([...path, 'health', 'timeout'], message);
}

function isDoubtful(tree: Tree | undefined): boolean {
  return tree?.type === 'map' && tree.doubtful === true;
}

/** What Holdfast sets itself would silently win over what stands here. */
function environment(part: Judged, path: Path, service: Tree): void {
  const ports = portsOf(service);
  const own = ports.length === 0 ? [] : ['PORT', ...ports.map((port) => `PORT_${variableName(port.name)}`)];
  for (const [name, value] of membersAt(service, 'env')) {
    const variable = [...path, 'env', name];
    if (own.includes(name) || /^(?:HOLDFAST_|LISTEN_(?:FDS|PID|FDNAMES)$)/.test(name)) {
      part.tell(variable, `${name} is set by Holdfast for each release; remove it, or take another name`, 'key');
    }
    const literal = value.type === 'scalar' && value.secrets === undefined && value.flexible !== true;
    if (literal && value.value !== '' && /(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|PRIVATE_KEY)$/i.test(name)) {
      part.warn(
        variable,
        `looks like a secret, and its value stands in the file; list it under secrets and write "\${${name}}"`,
      );
    }
  }
}
