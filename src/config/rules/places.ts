import { isWithin } from '../../core/paths.ts';
import { at, itemsAt, membersAt, type Path, type Tree, textAt } from '../tree.ts';
import { type Judged, portsOf, type Rule, servicesOf } from './rule.ts';

const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::', '*', ''];

/** No port is taken twice on one machine. */
export const ports: Rule = ({ root, tell }) => {
  const taken: { host: string; port: number; label: string }[] = [];
  for (const [name, service] of servicesOf(root)) {
    const host = textAt(service, 'run', 'host') ?? '127.0.0.1';
    for (const { path, port, name: portName } of portsOf(service)) {
      if (port === undefined) continue;
      const isSame = (other: string) => other === host || ANY_ADDRESS.includes(other) || ANY_ADDRESS.includes(host);
      const clash = taken.find((other) => other.port === port && isSame(other.host));
      if (clash !== undefined) {
        tell(['services', name, ...path], `port ${port} is taken by ${clash.label} already; give each its own`);
      }
      taken.push({ host, port, label: `services.${name} (${portName})` });
    }
  }
};

/** Paths stay where Holdfast may read, link and restore. */
export const paths: Rule = (part) => {
  for (const [name] of servicesOf(part.root)) shared(part, ['services', name, 'shared']);
  const seen = new Map<string, string>();
  for (const [name, source] of membersAt(part.root, 'state')) {
    const path = ['state', name];
    statePath(part, path, source);
    isShared(part, path, source);
    globs(part, path, source);
    const where = textAt(source, 'path');
    if (where === undefined) continue;
    const id = `${textAt(source, 'service') ?? ''}:${segments(where).join('/')}`;
    const first = seen.get(id);
    if (first !== undefined) part.tell([...path, 'path'], `state.${first} holds the same path; keep one of them`);
    seen.set(id, name);
  }
};

function shared(part: Judged, path: Path): void {
  const seen: string[] = [];
  for (const [index, item] of itemsAt(part.root, ...path).entries()) {
    const text = textAt(item);
    if (text === undefined) continue;
    const here = [...path, index];
    const why = outside(text);
    const clean = segments(text).join('/');
    if (why !== undefined) part.tell(here, `${why}; name a folder below the release, like "uploads"`);
    else if (clean === '')
      part.tell(here, 'the release itself cannot be shared; name a folder below it, like "uploads"');
    const clash = seen.find((other) => isWithin(clean, other) || isWithin(other, clean));
    if (why === undefined && clash === clean)
      part.tell(here, `${JSON.stringify(text)} is listed twice; keep one of them`);
    else if (why === undefined && clash !== undefined) {
      part.tell(
        here,
        `${JSON.stringify(text)} and ${JSON.stringify(clash)} lie inside one another; keep the outer one`,
      );
    }
    seen.push(clean);
  }
}

/** A service finds its shared folder by HOLDFAST_SHARED, or through the folders that are linked into each release. */
function isShared(part: Judged, path: Path, source: Tree): void {
  const service = textAt(source, 'service');
  const text = textAt(source, 'path');
  if (service === undefined || text === undefined || text.startsWith('/')) return;
  const where = segments(text).join('/');
  const linked = itemsAt(part.root, 'services', service, 'shared').map((item) =>
    segments(textAt(item) ?? '').join('/'),
  );
  if (linked.some((folder) => isWithin(folder, where))) return;
  const message = `no entry of services.${service}.shared covers it: unless ${service} writes it below HOLDFAST_SHARED, it lies in the release and is gone with it`;
  part.warn([...path, 'path'], message);
}

/** Folders below the root of an environment that are Holdfast's own. */
const OWN_FOLDERS: readonly string[] = ['releases', 'current', '.holdfast'];

function statePath(part: Judged, path: Path, source: Tree): void {
  const text = textAt(source, 'path');
  if (text === undefined) return;
  const where = [...path, 'path'];
  const belongs = at(source, 'service') !== undefined;
  const why = outside(text);
  const isAbsolute = text.startsWith('/');
  if (why !== undefined && (belongs || !isAbsolute || segments(text).includes('..'))) {
    const remedy = belongs
      ? 'with service it is relative to the shared folder of that service'
      : 'write an absolute path, or one relative to the root of the environment';
    part.tell(where, `${why}; ${remedy}`);
  } else if (!belongs && !isAbsolute && OWN_FOLDERS.includes(segments(text)[0] ?? '.holdfast')) {
    part.tell(where, `${JSON.stringify(text)} is where Holdfast keeps releases; name the folder that holds the state`);
  }
}

function outside(text: string): string | undefined {
  const shown = JSON.stringify(text.slice(0, 60));
  if (text.startsWith('/')) return `${shown} is absolute`;
  if (text.startsWith('~')) return `${shown} begins with "~", which is not read here`;
  return segments(text).includes('..') ? `${shown} leads outside with ".."` : undefined;
}

function segments(text: string): string[] {
  return text.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function globs(part: Judged, path: Path, source: Tree): void {
  for (const [index, item] of itemsAt(source, 'exclude').entries()) {
    const text = textAt(item);
    const why = text === undefined ? undefined : (outside(text) ?? unbalanced(text));
    if (why !== undefined)
      part.tell([...path, 'exclude', index], `${why}; a glob is relative to the path, like "**/*.tmp"`);
  }
}

/** A bracket without its partner would match itself, which nobody means. */
function unbalanced(glob: string): string | undefined {
  const text = glob.replace(/\\./g, '');
  const isBalanced = text.replace(/\[[^\]]+\]/g, '').replace(/\{[^{}]*\}/g, '');
  return /[[\]{}]/.test(isBalanced)
    ? `${JSON.stringify(glob.slice(0, 60))} has a bracket without its partner`
    : undefined;
}
