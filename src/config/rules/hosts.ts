import { closest } from '../suggest.ts';
import { itemsAt, membersAt, textAt } from '../tree.ts';
import type { Rule } from './rule.ts';

/** Each host of a target stands there once, and a key is not missing because of a misspelt name. */
export const hosts: Rule = ({ root, tell, warn }) => {
  const names = itemsAt(root, 'target', 'hosts').map((item) => textAt(item));
  const keyed = membersAt(root, 'target', 'host_keys').map(([host]) => host);
  // An overlay may bring its own hosts, so keys of hosts that are not here are no mistake by themselves.
  const unused = keyed.filter((host) => !names.includes(host));
  for (const [index, name] of names.entries()) {
    if (name === undefined) continue;
    const path = ['target', 'hosts', index];
    if (names.indexOf(name) < index) {
      tell(path, `${JSON.stringify(name)} is listed twice; keep one of them`);
    } else if (keyed.length > 0 && !keyed.includes(name)) {
      const near = closest(name, unused);
      const remedy = near === undefined ? 'add what "ssh-keyscan" prints for it' : `is ${JSON.stringify(near)} meant?`;
      warn(path, `has no key in target.host_keys, so your own known_hosts is held to; ${remedy}`);
    }
  }
};
