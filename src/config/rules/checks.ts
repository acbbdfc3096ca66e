import { at, flagAt, itemsAt, type Mapping, membersAt, textAt } from '../tree.ts';
import { portsOf, type Rule, servicesOf } from './rule.ts';

/** Checks ask what can be answered, and every required layer has some. */
export const checks: Rule = (part) => {
  const { root, tell } = part;
  for (const [name, check] of membersAt(root, 'validate', 'checks')) {
    if (textAt(check, 'kind') !== 'http') continue;
    const path = ['validate', 'checks', name];
    const method = textAt(check, 'method') ?? 'GET';
    const isRead = method === 'GET' || method === 'HEAD';
    const isWritten = at(check, 'latency')?.place.origin.kind !== 'default';
    if (!isRead && isWritten && flagAt(check, 'latency') === true) {
      tell(
        [...path, 'latency'],
        `latency is measured by asking often, which ${method} may not be; remove it, or ask with GET`,
      );
    }
    if (isRead && at(check, 'body') !== undefined) {
      tell([...path, 'body'], `${method} carries no body; remove it, or take POST`, 'key');
    }
    const wantsBody = at(check, 'expect', 'contains') !== undefined || membersAt(check, 'expect', 'json').length > 0;
    if (method === 'HEAD' && wantsBody) {
      tell([...path, 'expect'], 'an answer to HEAD has no body to look into; ask with GET', 'key');
    }
  }
  const present = layersWithChecks(root);
  for (const [index, item] of itemsAt(root, 'validate', 'required').entries()) {
    const layer = textAt(item);
    if (layer === undefined || present.has(layer) || !LAYERS.includes(layer)) continue;
    const message = `no check belongs to the layer ${layer}, so it could never be answered; add one under validate.checks, or remove it`;
    tell(['validate', 'required', index], message);
  }
};

const LAYERS: readonly string[] = [
  'infrastructure',
  'application',
  'pipeline',
  'security',
  'performance',
  'database',
  'cache',
];

/** Layers with a check of the user's or one that every such service brings: process, health, exposure, latency. */
function layersWithChecks(root: Mapping): Set<string> {
  const layers = new Set(['infrastructure']);
  const asked = servicesOf(root).filter(([, service]) => portsOf(service).length > 0);
  for (const [, service] of asked) {
    const hasPath = at(service, 'health', 'path') !== undefined;
    if (hasPath || at(service, 'health', 'version') !== undefined) layers.add('application').add('security');
    if (hasPath) layers.add('performance');
  }
  const logins = membersAt(root, 'validate', 'logins');
  const own = membersAt(root, 'validate', 'checks');
  if (logins.length > 0) layers.add('application').add('security');
  for (const [, check] of own) {
    layers.add(textAt(check, 'layer') ?? 'application');
    if (textAt(check, 'kind') !== 'http') continue;
    layers.add('security');
    const isRead = ['GET', 'HEAD'].includes(textAt(check, 'method') ?? 'GET');
    if (isRead && flagAt(check, 'latency') !== false) layers.add('performance');
  }
  return layers;
}
