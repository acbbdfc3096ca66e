import { add, type Problems, warn } from '../problem.ts';
import { meant } from '../suggest.ts';
import { at, itemsAt, type Mapping, membersAt, numberAt, type Path, type Tree, textAt } from '../tree.ts';

/**
 * What no schema can say: how parts of the configuration fit together. A rule reads the tree after defaults were filled
 * in. Wrong values are still in it, so a rule keeps quiet where it does not find the type that it needs.
 */
export type Rule = (part: Judged) => void;

export interface Judged {
  readonly root: Mapping;
  /** Names of all environments of the file. */
  readonly environments: readonly string[];
  /** `key` points at the name, `value` at what it is set to. */
  tell(path: Path, message: string, part?: 'key' | 'value'): void;
  warn(path: Path, message: string): void;
}

/** A merged tree, ready for rules; what they find is added to `problems`. */
export function judged(root: Mapping, environments: readonly string[], problems: Problems): Judged {
  return {
    root,
    environments,
    tell: (path, message, part) => add(problems, root, path, message, part),
    warn: (path, message) => warn(problems, root, path, message),
  };
}

/** The services with their settings. */
export function servicesOf(root: Mapping): readonly (readonly [name: string, service: Tree])[] {
  return membersAt(root, 'services');
}

/** Names and numbers of a service's ports; a single `port` is called `http`. Numbers that are none are left out. */
export function portsOf(service: Tree): readonly { name: string; path: Path; port: number | undefined }[] {
  const single = at(service, 'run', 'port');
  const several = membersAt(service, 'run', 'ports').map(([name, tree]) => ({
    name,
    path: ['run', 'ports', name],
    port: numberAt(tree),
  }));
  return [
    ...(single === undefined ? [] : [{ name: 'http', path: ['run', 'port'], port: numberAt(single) }]),
    ...several,
  ];
}

/** True unless it is certain that the service has no port: one may be misspelt, or wrong in another way. */
export function mayListen(service: Tree): boolean {
  const run = at(service, 'run');
  return run?.type !== 'map' || run.doubtful === true || portsOf(service).length > 0;
}

/** Tells when the text at `path` is none of `names`. `what` is the kind of thing: `service`. */
export function mustExist(part: Judged, path: Path, what: string, names: readonly string[]): void {
  const name = textAt(part.root, ...path);
  if (name === undefined || names.includes(name)) return;
  const remedy = meant(name, names, `there is no ${what} yet`);
  part.tell(path, `there is no ${what} called ${JSON.stringify(name.slice(0, 60))}; ${remedy}`);
}

/** `mustExist` for each item of the list at `path`. */
export function allMustExist(part: Judged, path: Path, what: string, names: readonly string[]): void {
  for (const index of itemsAt(part.root, ...path).keys()) mustExist(part, [...path, index], what, names);
}
