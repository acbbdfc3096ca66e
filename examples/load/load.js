// Load as a process of its own: 32 clients that keep their connection and 32 that open one per request, a fifth of
// the requests writes. It counts what a person would have noticed: resets, waits above 5 s, answers with 5xx.
//
//   LOAD_PASSWORD=… node load.js --url http://127.0.0.1:8080 --user cleo [--rate 400] [--bad-version v3] [--max-seconds 900]
//
// One line of JSON per second goes to standard output; SIGTERM, SIGINT or a line `stop` on standard input ends it
// with a last line, the summary. It ends with 2 when nobody could log in to begin with.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from './client.js';
import { createCounter } from './counter.js';
import { createSession } from './session.js';

const KEEP_ALIVE_CLIENTS = 32;
const FRESH_CLIENTS = 32;
const LOGIN_WITHIN_MS = 10_000;

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    user: { type: 'string', default: 'cleo' },
    rate: { type: 'string', default: '400' },
    'bad-version': { type: 'string', multiple: true, default: [] },
    'max-seconds': { type: 'string', default: '900' },
  },
});

const stopping = new AbortController();
const stop = () => stopping.abort();
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
const commands = createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.trim() === 'stop') stop();
});
const limit = setTimeout(stop, Number(values['max-seconds']) * 1000);

const session = createSession({
  base: values.url,
  user: values.user,
  password: process.env.LOAD_PASSWORD ?? 'navigator',
});
if (await session.begin(LOGIN_WITHIN_MS)) await run();
else {
  console.error(`${values.user} could not log in at ${values.url} within ${LOGIN_WITHIN_MS / 1000} s`);
  process.exitCode = 2;
}
clearTimeout(limit);
commands.close();
process.stdin.destroy();

async function run() {
  const counter = createCounter(new Set(values['bad-version']));
  const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const ticker = setInterval(() => print(counter.progress()), 1000);
  const clients = [
    ...Array.from({ length: KEEP_ALIVE_CLIENTS }, () => createClient({ base: values.url, keepAlive: true })),
    ...Array.from({ length: FRESH_CLIENTS }, () => createClient({ base: values.url, keepAlive: false })),
  ];
  const everyMs = (clients.length * 1000) / Number(values.rate);
  // Started one after the other, so that requests are spread over time and not sent in bursts.
  const work = clients.map((client, index) => ask(client, index, (index * everyMs) / clients.length, everyMs, counter));
  await Promise.all(work);
  clearInterval(ticker);
  for (const client of clients) client.close();
  print({ final: true, ...counter.summary() });
}

/** One client: asks every `everyMs`, never twice at once; after a long wait it goes on from then, without catching up. */
async function ask(client, index, firstAfterMs, everyMs, counter) {
  let due = performance.now() + firstAfterMs;
  for (let turn = index; !stopping.signal.aborted; turn += 1) {
    await sleep(Math.max(0, due - performance.now()), undefined, { signal: stopping.signal }).catch(() => {});
    if (stopping.signal.aborted) return;
    due = Math.max(due + everyMs, performance.now());
    const request = requestOf(turn);
    const token = session.token();
    const answer = await client.send(request, token);
    counter.count(answer, request.isWrite);
    if (answer.status === 401) await session.renew(token);
  }
}

/** Every fifth request writes; the others read what people read. */
function requestOf(turn) {
  switch (turn % 5) {
    case 0:
      return {
        method: 'POST',
        path: '/policies',
        json: { holder: 'bela', product: 'travel', premium_cents: 1000 + (turn % 1000) },
        isWrite: true,
      };
    case 1:
      return { method: 'GET', path: '/policies?limit=5', isWrite: false };
    case 2:
      return { method: 'GET', path: '/policies/p-ada-household', isWrite: false };
    case 3:
      return { method: 'GET', path: '/policies/p-ada-household/documents', isWrite: false };
    default:
      return { method: 'GET', path: '/version', isWrite: false };
  }
}
