import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from '../../src/config/configuration.ts';
import { loadConfiguration, parseOverrides } from '../../src/config/load.ts';
import { formatProblems } from '../../src/config/problem.ts';
import { openEnvironment } from '../../src/environment/environment.ts';
import { stopEverything } from '../../src/environment/teardown.ts';
import { aPlatform } from './platform.ts';

/**
 * A small shop of two services whose versions misbehave on request: `web` keeps notes in a file of its shared folder,
 * `clock` tells the time. What a version does wrong is decided by the file `fault` of its artifact.
 */
const SERVER = `
const http = require('node:http');
const fs = require('node:fs');
const path = require('node:path');
const fault = fs.existsSync('fault') ? fs.readFileSync('fault', 'utf8') : '';
const notes = path.join(process.env.HOLDFAST_SHARED, 'data', 'notes.txt');
fs.mkdirSync(path.dirname(notes), { recursive: true });
if (fault === 'crash') { console.error('cannot start without a reason'); process.exit(1); }
if (fault === 'exit-zero') process.exit(0);
if (fault === 'scribbles') fs.appendFileSync(notes, 'a scribble nobody asked for\\n');
http.createServer((request, response) => {
  if (request.url === '/version') return response.end(process.env.HOLDFAST_VERSION);
  if (request.url === '/notes' && (fault === 'broken-notes' || fault === 'scribbles')) { response.statusCode = 500; return response.end('no notes'); }
  if (request.url === '/notes' && request.method === 'POST') {
    fs.appendFileSync(notes, 'a note of ' + process.env.HOLDFAST_VERSION + '\\n');
    return response.end('ok');
  }
  if (request.url === '/notes') return response.end(fs.existsSync(notes) ? fs.readFileSync(notes, 'utf8') : '');
  response.statusCode = fault === 'never-ready' ? 503 : 200;
  response.end('ok');
}).listen(Number(process.env.PORT), '127.0.0.1');
`;

const MIGRATE = `
const fs = require('node:fs');
const path = require('node:path');
const data = path.join(process.env.HOLDFAST_SHARED, 'data');
fs.mkdirSync(data, { recursive: true });
const fault = fs.existsSync('fault') ? fs.readFileSync('fault', 'utf8') : '';
if (fault.startsWith('destroys')) fs.writeFileSync(path.join(data, 'notes.txt'), 'all gone\\n');
if (fault === 'destroys-and-fails') process.exit(3);
`;

export interface Shop {
  readonly folder: string;
  readonly root: string;
  /** Answers of the live services. */
  ask(service: 'web' | 'clock', path: string, method?: string): Promise<string>;
  /** Builds the artifacts of a version. */
  build(version: string, fault?: string): Promise<void>;
  /** The configuration under which this version is released; `set` as on the command line. */
  configuration(version: string, set?: readonly string[]): Configuration;
  close(): Promise<void>;
}

export async function aShop(options: { extra?: string; migrate?: boolean } = {}): Promise<Shop> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-shop-'));
  const root = join(folder, 'environment');
  const ports = { web: await freePort(), clock: await freePort() };
  const migrate = options.migrate === true ? '    migrate: { command: [node, migrate.cjs] }\n' : '';
  const health = 'health: { path: /healthz, interval: 20ms, streak: 2, timeout: 5s, version: { path: /version } }';
  const text = `version: 1
project: shop
variables: [VERSION]
secrets: [SIGNING_KEY]
services:
  web:
    artifact: build/web-\${VERSION}
    run: { command: [node, server.cjs], port: ${ports.web}, stop: { timeout: 3s } }
    env:
      SIGNING_KEY: \${SIGNING_KEY}
    shared: [data]
${migrate}    ${health}
  clock:
    artifact: build/clock-\${VERSION}
    run: { command: [node, server.cjs], port: ${ports.clock}, stop: { timeout: 3s } }
    ${health}
    depends_on: [web]
state:
  notes: { kind: files, service: web, path: data }
validate:
  checks:
    notes-are-listed: { kind: http, service: web, path: /notes, latency: false }
  performance: { samples: 5 }
${options.extra ?? ''}
environments:
  local: { target: { kind: directory, path: environment } }
`;
  await writeFile(join(folder, 'holdfast.yml'), text);
  const configuration = (version: string, set: readonly string[] = []) => {
    const loaded = loadConfiguration({
      bytes: Buffer.from(text),
      file: 'holdfast.yml',
      directory: folder,
      secrets: { SIGNING_KEY: 'sentinel-of-the-shop-4711' },
      variables: { VERSION: version },
      overrides: parseOverrides({ environment: {}, set: [...set] }),
    });
    if (!loaded.ok) throw new Error(formatProblems(loaded.problems, 'holdfast.yml'));
    return loaded.configuration;
  };
  return {
    folder,
    root,
    configuration,
    async ask(service, path, method = 'GET') {
      const answer = await fetch(`http://127.0.0.1:${ports[service]}${path}`, { method });
      return answer.text();
    },
    async build(version, fault) {
      for (const service of ['web', 'clock']) {
        const artifact = join(folder, 'build', `${service}-${version}`);
        await mkdir(artifact, { recursive: true });
        await writeFile(join(artifact, 'server.cjs'), SERVER);
        await writeFile(join(artifact, 'migrate.cjs'), MIGRATE);
        await writeFile(join(artifact, 'built'), version);
        if (fault !== undefined && service === 'web') await writeFile(join(artifact, 'fault'), fault);
      }
    },
    async close() {
      const platform = aPlatform();
      await stopEverything(await openEnvironment(configuration('v1'), platform, { create: false }));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
