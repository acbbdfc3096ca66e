import { basename, join } from 'node:path';
import { parseJson } from '../core/json-path.ts';
import type { Files } from '../platform/files.ts';

/** What a folder looks like to somebody who wants to deploy it. */
export interface Detected {
  /** The name of the service: the folder's, made fit. */
  readonly service: string;
  readonly kind: 'node' | 'python' | 'go' | 'unknown';
  readonly command: readonly [string, ...string[]];
  readonly artifact: string;
  readonly build?: readonly [string, ...string[]];
  /** Started from its sources, with packages that are installed beside them. */
  readonly needsPackages?: boolean;
  /** SQLite databases found near the top, relative. */
  readonly databases: readonly string[];
  /** What was seen, one sentence each. */
  readonly seen: readonly string[];
}

/** Folders that hold what an application is built from or of, not its state. */
const PASSED_OVER = new Set(['node_modules', 'dist', 'build', 'vendor', 'venv', '__pycache__']);
const SQLITE_HEADER = 'SQLite format 3\0';

/** Looks at a folder and guesses; every guess is written down for the user to correct. */
export async function detect(directory: string, files: Files): Promise<Detected> {
  const names = new Set(await files.list(directory));
  const service = serviceName(basename(directory));
  const databases = await findDatabases(directory, '', files, 2);
  if (names.has('package.json')) return { service, databases, ...(await detectNode(directory, names, files)) };
  if (names.has('go.mod')) {
    return {
      service,
      databases,
      kind: 'go',
      command: [`./${service}`],
      artifact: 'build',
      build: ['go', 'build', '-o', `build/${service}`, '.'],
      seen: ['go.mod: a Go program, built into build/'],
    };
  }
  const python = ['app.py', 'main.py', 'server.py', 'manage.py'].find((name) => names.has(name));
  if (python !== undefined) {
    return {
      service,
      databases,
      kind: 'python',
      command: ['python3', python],
      artifact: '.',
      seen: [`${python}: a Python program`],
    };
  }
  return {
    service,
    databases,
    kind: 'unknown',
    command: ['./start'],
    artifact: 'build',
    seen: ['nothing that tells how this is started: correct run.command and artifact'],
  };
}

async function detectNode(directory: string, names: ReadonlySet<string>, files: Files) {
  const text = (await files.read(join(directory, 'package.json')))?.toString('utf8') ?? '{}';
  const manifest = parseManifest(text);
  const entry =
    manifest.main ?? ['server.js', 'index.js', 'app.js', 'server.mjs'].find((name) => names.has(name)) ?? 'server.js';
  const start = manifest.start?.split(/\s+/).filter((word) => word !== '');
  const [program, ...rest] = start ?? [];
  const plain = program !== undefined && !/[&|;<>$`"'\\]/.test(manifest.start ?? '');
  const command: readonly [string, ...string[]] = plain ? [program, ...rest] : ['node', entry];
  const seen = [`package.json: a Node program, started with ${command.join(' ')}`];
  return { kind: 'node' as const, command, artifact: '.', needsPackages: manifest.hasDependencies, seen };
}

function parseManifest(text: string): { main?: string; start?: string; hasDependencies: boolean } {
  const value = parseJson(text);
  const main = memberOf(value, 'main');
  const start = memberOf(memberOf(value, 'scripts'), 'start');
  const hasDependencies = Object.keys(Object(memberOf(value, 'dependencies'))).length > 0;
  const named = { ...(typeof main === 'string' ? { main } : {}), ...(typeof start === 'string' ? { start } : {}) };
  return { ...named, hasDependencies };
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

async function findDatabases(directory: string, below: string, files: Files, depth: number): Promise<string[]> {
  const found: string[] = [];
  for (const name of await files.list(join(directory, below))) {
    if (name.startsWith('.') || PASSED_OVER.has(name)) continue;
    const path = below === '' ? name : `${below}/${name}`;
    const status = await files.status(join(directory, path));
    if (status?.type === 'directory' && depth > 0)
      found.push(...(await findDatabases(directory, path, files, depth - 1)));
    if (status?.type === 'file' && status.sizeBytes > 512 && (await startsAsDatabase(join(directory, path), files)))
      found.push(path);
  }
  return found;
}

async function startsAsDatabase(path: string, files: Files): Promise<boolean> {
  const chunks: Buffer[] = [];
  for await (const chunk of files.openRead(path, { start: 0, end: SQLITE_HEADER.length - 1 })) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1') === SQLITE_HEADER;
}

function serviceName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);
  return name === '' ? 'web' : name.replace(/-+$/, '');
}
