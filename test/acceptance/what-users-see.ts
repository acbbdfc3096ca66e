import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Place } from './platform.ts';

/** What users of an application see, and what lies on disk for them. Two that are equal are the same to everybody. */
export interface Seen {
  readonly version: string;
  /** The answer to the list, asked as a user who has just logged in. */
  readonly list: string;
  /** SHA-256 over all rows and the schema, or over all files with their modes. */
  readonly stored: string;
}

/** Logs in, reads the list, and reads the data where it lies. Rejects when nobody answers or nobody can log in. */
export async function look(place: Place): Promise<Seen> {
  const { version } = z.object({ version: z.string() }).parse(await ask(place, '/version'));
  const list = await ask(place, place.application.list, { token: await logIn(place) });
  return { version, list: JSON.stringify(list), stored: await digestOf(join(place.root, place.application.data)) };
}

/** How far the data was migrated: the number that the versions of the application count up. */
export async function schemaOf({ root, application }: Place): Promise<number> {
  const path = join(root, application.data);
  if ((await lstat(path)).isDirectory()) {
    const names = (await readdir(path)).filter((name) => name.endsWith('.json'));
    const notes = await Promise.all(names.map(async (name) => readFile(join(path, name), 'utf8')));
    const found = new Set(
      notes.map((text) => z.object({ schema: z.int().prefault(1) }).parse(JSON.parse(text)).schema),
    );
    if (found.size !== 1) throw new Error(`the notes are of several schemas: ${[...found].join(', ')}`);
    return Math.max(...found);
  }
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  } finally {
    database.close();
  }
}

/** Adds something as a user does. */
export async function write(place: Place, text: string): Promise<void> {
  await ask(place, place.application.list, { token: await logIn(place), body: { text, cents: 250 } });
}

async function logIn(place: Place): Promise<string> {
  const answer = await ask(place, '/login', { body: { user: 'ada', password: 'open sesame' } });
  return z.object({ token: z.string() }).parse(answer).token;
}

async function ask(
  place: Place,
  path: string,
  { token, body }: { token?: string; body?: object } = {},
): Promise<unknown> {
  const response = await fetch(`${place.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { connection: 'close', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Of a folder: paths, modes and contents. Of a database: its schema and every row, whatever its pages look like. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  if ((await lstat(path)).isDirectory()) await addFolder(path, path, hash);
  else addDatabase(path, hash);
  return hash.digest('hex');
}

type Hash = ReturnType<typeof createHash>;

async function addFolder(folder: string, root: string, hash: Hash): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    hash.update(`${relative(root, path)} ${(await lstat(path)).mode}\n`);
    if (entry.isDirectory()) await addFolder(path, root, hash);
    else hash.update(entry.isSymbolicLink() ? await readlink(path) : await readFile(path));
  }
}

function addDatabase(path: string, hash: Hash): void {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
    hash.update(JSON.stringify(tables));
    hash.update(JSON.stringify(database.prepare('PRAGMA user_version').all()));
    for (const { name } of database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all()) {
      hash.update(JSON.stringify(database.prepare(`SELECT * FROM "${name}" ORDER BY rowid`).all()));
    }
  } finally {
    database.close();
  }
}
