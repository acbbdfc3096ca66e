// Notes: one JSON file each in the folder notes/. Knows its users, lists and adds notes; renames its files at start.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { version, schema, fault, quirk, slowMigrationMs = 0 } = JSON.parse(readFileSync('release.json', 'utf8'));
const { APP_KEY: key, PORT: port } = process.env;
const users = { ada: 'open sesame' };

if (quirk === 'tells-its-key')
  console.error(`the key is ${key}, in base64 ${Buffer.from(key ?? '').toString('base64')}`);
if (quirk === 'leaves-children') {
  spawn('sh', ['-c', "trap '' TERM; while sleep 1; do :; done"], { stdio: 'ignore' }).unref();
  spawn('sleep', ['600'], { stdio: 'ignore', detached: true }).unref();
}
if (quirk === 'fills-the-disk') {
  // A disk without room fails the last write.
  try {
    for (;;) appendFileSync('notes/ballast', Buffer.alloc(64 * 1024, 'x'));
  } catch {}
}
if (fault === 'crash-at-start') throw new Error('no paper');
if (fault === 'exit-zero-at-start') process.exit(0);
await migrate();
if (fault === 'migrates-then-cannot-bind') {
  console.error(`port ${port} cannot be bound`);
  process.exit(0);
}
const server = createServer((request, response) => {
  answer(request)
    .catch((error) => [500, { error: error.message }])
    .then(([status, value, headers]) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
    });
});
server.listen(port, '127.0.0.1');
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});

async function migrate() {
  mkdirSync('notes/archive', { recursive: true });
  const found = notes();
  if (found.length === 0) save({ id: 1, author: 'ada', text: 'the first note' });
  for (const note of notes()) {
    if (schema >= 2) save({ ...note, schema });
    if (fault === 'destroys-data') save({ id: note.id, text: '' });
    if (fault === 'destroys-data' && note.id > 1) rmSync(fileOf(note.id));
    if (fault === 'migrates-then-cannot-bind') save({ ...note, author: undefined, writer: note.author });
    await sleep(slowMigrationMs);
  }
}

async function answer(request) {
  if (request.url === '/healthz' && quirk === 'redirects') return [302, {}, { location: '/version' }];
  if (request.url === '/healthz') return [fault === 'never-ready' ? 503 : 200, {}];
  if (request.url === '/version') return [200, { version }];
  if (request.url === '/login') {
    const { user, password } = await bodyOf(request);
    const known = fault !== 'nobody-can-log-in' && Object.hasOwn(users, user) && users[user] === password;
    return known ? [200, { token: `${user}.${sign(user)}` }] : [401, { error: 'no such user or password' }];
  }
  const user = userOf(request);
  if (user === undefined) return [401, { error: 'log in first' }];
  if (request.url !== '/notes') return [404, { error: 'no such page' }];
  if (request.method === 'GET' && fault === 'errors-on-one-endpoint') return [500, { error: 'out of ink' }];
  if (request.method === 'GET') return [200, notes().map(({ id, author, text }) => ({ id, author, text }))];
  const id = Math.max(0, ...notes().map((note) => note.id)) + 1;
  save({ ...(schema >= 2 ? { schema } : {}), id, author: user, text: (await bodyOf(request)).text });
  return [201, { id }];
}

function notes() {
  const names = readdirSync('notes').filter((name) => name.endsWith('.json'));
  return names.map((name) => JSON.parse(readFileSync(`notes/${name}`, 'utf8'))).sort((a, b) => a.id - b.id);
}

function save(note) {
  writeFileSync(fileOf(note.id), JSON.stringify(note));
}

function fileOf(id) {
  return `notes/${String(id).padStart(4, '0')}.json`;
}

function userOf(request) {
  const [user, proof] = (request.headers.authorization ?? '').replace('Bearer ', '').split('.');
  return user !== '' && proof === sign(user) ? user : undefined;
}

function sign(text) {
  return createHmac('sha256', key).update(text).digest('hex');
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}
