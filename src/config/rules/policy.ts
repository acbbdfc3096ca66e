import { itemsAt, membersAt, type Tree, textAt } from '../tree.ts';
import type { Rule } from './rule.ts';

/** A freeze begins before it ends. */
export const freezes: Rule = ({ root, tell }) => {
  for (const [index, window] of itemsAt(root, 'access', 'freeze').entries()) {
    const after = textAt(window, 'after');
    const before = textAt(window, 'before');
    if (!isTime(after) || !isTime(before) || after < before) continue;
    const message = `ends at ${before}, before it begins at ${after}; for a freeze over midnight write two`;
    tell(['access', 'freeze', index, 'before'], message);
  }
};

function isTime(text: string | undefined): text is string {
  return text !== undefined && /^\d\d:\d\d$/.test(text);
}

/** Every alert has a way out, and every way is used. */
export const alerts: Rule = ({ root, warn }) => {
  const channels = membersAt(root, 'alerts', 'channels');
  const routes = itemsAt(root, 'alerts', 'routes');
  if (channels.length > 0 && routes.length === 0) {
    warn(['alerts', 'channels'], 'no route leads to these channels, so nothing is sent; add alerts.routes');
  }
  const last = routes.findIndex(takesAll);
  for (const index of routes.keys()) {
    if (last < 0 || index <= last) continue;
    warn(['alerts', 'routes', index], `is never reached: the route before it (number ${last + 1}) takes every alert`);
  }
};

function takesAll(route: Tree): boolean {
  return route.type === 'map' && membersAt(route, 'when').length === 0;
}
