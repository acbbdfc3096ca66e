import { type LoadRequest, type LoadResult, loadConfiguration } from '../../src/config/load.ts';

/** The whole service in ten lines. */
export const TEN_LINES = `version: 1
services:
  web:
    artifact: ./build
    run: { command: [node, server.js], port: 3000 }
    health: { path: /healthz }
environments:
  local:
    target: { kind: directory, path: ~/apps/web }
`;

/** One of everything. */
export const LONG = `# yaml-language-server: $schema=config/schema.json
version: 1
project: insurance-navigator
secrets: [DATABASE_URL, ALERT_KEY]
variables: [REGION, WORKERS]

services:
  api:
    build: { command: [npm, run, build], output: build/api }
    run:
      command: [node, server.js]
      ports: { http: 3000, metrics: 9464 }
      strategy: socket
      two_versions_at_once: true
      stop: { signal: SIGTERM, timeout: 20s }
    env:
      LOG_LEVEL: info
      REGION: \${REGION:-eu}
      DATABASE_URL: \${DATABASE_URL:?where the policies live}
    shared: [uploads]
    migrate: { command: [node, migrate.js], timeout: 5m }
    health:
      path: /readyz
      port: http
      interval: 1s
      streak: 3
      timeout: 60s
      version: { path: /version, json: $.sha }
  worker:
    artifact: build/worker
    run: { command: [node, worker.js], instances: 2 }
    health: { alive: 10s }
    depends_on: [api]

state:
  uploads: { kind: files, service: api, path: uploads, exclude: ['**/*.tmp'] }
  policies:
    kind: command
    dump: { command: [pg_dump] }
    restore: { command: [pg_restore] }
    fingerprint: { command: [psql] }
    env: { URL: "\${DATABASE_URL}" }

backup:
  store: { kind: directory, path: /srv/backups }
  keep: { last: 5, daily: 7, weekly: 4 }
  on_rollback: restore-if-migrated

validate:
  baseline: { from: local }
  required: [infrastructure, application, security]
  logins:
    probe: { path: /login, body: { user: probe }, token: $.token }
  checks:
    login-works: { kind: http, method: POST, path: /login, body: { user: probe }, expect: { status: 200 } }
    empty-list: { kind: http, path: /policies, as: probe, expect: { json: { $.error: null } } }
    queue: { kind: command, layer: pipeline, command: [node, probe.js] }

compliance: { frameworks: [hipaa, gdpr, soc2] }

access:
  roles: { deployer: ['user:1234', 'os:alice'], restorer: ['os:alice'] }
  freeze: [{ days: [fri, sat, sun], after: '16:00', zone: Europe/Berlin }]

alerts:
  channels:
    here: { kind: terminal }
    ops: { kind: webhook, url: https://alerts.example.org/in, secret: "\${ALERT_KEY}" }
  routes:
    - { when: { severity: [critical, high] }, send: [ops], on_failure: here }
    - { send: [here] }

environments:
  local:
    target: { kind: directory, path: ~/apps/navigator }
    services: { worker: null }
  production:
    target: { kind: directory, path: /srv/navigator }
    services: { api: { env: { LOG_LEVEL: warn } }, worker: { run: { instances: "\${WORKERS:-4}" } } }
`;

export const SECRETS = { DATABASE_URL: 'postgres://policies', ALERT_KEY: 'a-key-of-sixteen-characters' };

/** Loads a text with nothing around it but what `more` says. */
export function load(text: string, more: Partial<LoadRequest> = {}): LoadResult {
  return loadConfiguration(aRequest(text, more));
}

export function aRequest(text: string, more: Partial<LoadRequest> = {}): LoadRequest {
  return {
    bytes: new TextEncoder().encode(text),
    file: 'holdfast.yml',
    directory: '/home/somebody/My Web App',
    secrets: {},
    variables: {},
    overrides: [],
    ...more,
  };
}

/** What loads, or a failure of the test that shows the problems. */
export function loaded(text: string, more: Partial<LoadRequest> = {}) {
  const result = load(text, more);
  if (!result.ok) throw new Error(result.problems.map(problemLine).join('\n'));
  return result;
}

/** The problems as lines `line:column path message`. */
export function problemsOf(text: string, more: Partial<LoadRequest> = {}): string[] {
  const result = load(text, more);
  return result.ok ? [] : result.problems.map(problemLine);
}

function problemLine({
  file,
  line,
  column,
  path,
  message,
}: {
  file: string;
  line: number;
  column: number;
  path: string;
  message: string;
}) {
  return `${line === 0 ? file : `${line}:${column}`} ${path} ${message}`;
}
