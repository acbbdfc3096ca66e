import { describe, expect, it } from '@jest/globals';
import { checkConfiguration, environmentsOf, parseOverrides } from '../../src/config/load.ts';
import { aRequest, LONG, loaded, problemsOf, SECRETS, TEN_LINES } from './files.ts';

describe('loading a configuration', () => {
  it('reads a whole service from ten lines and fills in safe defaults', () => {
    const { configuration, warnings } = loaded(TEN_LINES);

    expect(configuration.services['web']).toMatchObject({
      artifact: './build',
      run: { command: ['node', 'server.js'], port: 3000, strategy: 'restart', stop: { timeout: 20_000 } },
      health: { path: '/healthz', streak: 3, timeout: 60_000 },
    });
    expect(configuration.target).toEqual({ kind: 'directory', path: '~/apps/web' });
    expect(configuration.backup.on_rollback).toBe('restore-if-migrated');
    expect(configuration.environment).toBe('local');
    expect(configuration.directory).toBe('/home/somebody/My Web App');
    expect(warnings).toEqual([]);
  });

  it('names the project after the folder when the file does not', () => {
    expect(loaded(TEN_LINES).configuration.project).toBe('my-web-app');
    expect(loaded(TEN_LINES, { directory: '/' }).configuration.project).toBe('project');
    expect(loaded(LONG, { secrets: SECRETS }).configuration.project).toBe('insurance-navigator');
  });

  it('reads one of everything', () => {
    const { configuration, warnings } = loaded(LONG, { environment: 'production', secrets: SECRETS });

    expect(Object.keys(configuration.services)).toEqual(['api', 'worker']);
    expect(configuration.validate.checks['empty-list']).toMatchObject({
      as: 'probe',
      expect: { json: { '$.error': null } },
    });
    expect(configuration.services['worker']?.run.instances).toBe(4);
    expect(configuration.access?.freeze[0]?.zone).toBe('Europe/Berlin');
    expect(warnings).toEqual([]);
  });

  it.each([
    { name: 'CRLF', bytes: new TextEncoder().encode(TEN_LINES.replaceAll('\n', '\r\n')) },
    { name: 'a byte order mark', bytes: new TextEncoder().encode(`\ufeff${TEN_LINES}`) },
    { name: 'a document marker', bytes: new TextEncoder().encode(`---\n${TEN_LINES}...\n`) },
  ])('reads a file with $name', ({ bytes }) => {
    expect(loaded('', { bytes }).configuration).toEqual(loaded(TEN_LINES).configuration);
  });

  it('follows anchors and aliases', () => {
    const text = TEN_LINES.replace('[node, server.js]', '&start [node, server.js]').replace(
      'health: { path: /healthz }',
      'migrate: { command: *start }',
    );

    expect(loaded(text).configuration.services['web']?.migrate?.command).toEqual(['node', 'server.js']);
  });
});

describe('the layers of a configuration', () => {
  const text = `version: 1
services:
  web:
    artifact: build
    run: { command: [a, b], port: 1, stop: { signal: SIGINT } }
    env: { A: file, B: file, C: file, D: file }
    shared: [one, two]
environments:
  local:
    target: { kind: directory, path: /x }
    services: { web: { env: { B: overlay, C: overlay, D: null }, shared: [three], run: { stop: null } } }
`;
  const overrides = parseOverrides({
    environment: { HOLDFAST__SERVICES__WEB__ENV__C: 'variable', PATH: '/bin' },
    set: ['services.web.env.E=set', 'services.web.run.port=2'],
  });

  it('merges maps, replaces lists, and null takes away', () => {
    const web = loaded(text).configuration.services['web'];

    expect(web?.env).toEqual({ A: 'file', B: 'overlay', C: 'overlay' });
    expect(web?.shared).toEqual(['three']);
    expect(web?.run.stop.signal).toBe('SIGTERM');
    expect(web?.run.command).toEqual(['a', 'b']);
  });

  it('lets variables win over the overlay, and --set over all', () => {
    const web = loaded(text, { overrides }).configuration.services['web'];

    expect(web?.env).toEqual({ A: 'file', B: 'overlay', C: 'variable', E: 'set' });
    expect(web?.run.port).toBe(2);
  });

  it('tells where each value came from', () => {
    const { origins } = loaded(text, { overrides });

    expect(origins['services.web.env.A']).toEqual({ kind: 'file', line: 6 });
    expect(origins['services.web.env.B']).toEqual({ kind: 'environment', environment: 'local', line: 11 });
    expect(origins['services.web.env.C']).toEqual({ kind: 'variable', name: 'HOLDFAST__SERVICES__WEB__ENV__C' });
    expect(origins['services.web.env.E']).toEqual({ kind: 'set', key: 'services.web.env.E' });
    expect(origins['services.web.run.instances']).toEqual({ kind: 'default' });
    expect(origins['services.web.shared']).toEqual({ kind: 'environment', environment: 'local', line: 11 });
  });

  it('warns when null takes away what is not there', () => {
    const { warnings } = loaded(TEN_LINES.replace('  local:\n', '  local:\n    services: { wob: null }\n'));

    expect(warnings.map(({ line, path }) => ({ line, path }))).toEqual([
      { line: 9, path: 'environments.local.services.wob' },
    ]);
  });
});

describe('hosts', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJgr9qU4yqT7FZzJSn1mGYmRRXD1yE3nV0o2mO0Vb1aE';
  const withTarget = (target: string) =>
    TEN_LINES.replace('{ kind: directory, path: ~/apps/web }', `{ kind: ssh, path: /srv/web, ${target} }`);

  it('may not stand there twice', () => {
    expect(problemsOf(withTarget('hosts: [app1, app2, app1]'))).toEqual([
      '9:62 environments.local.target.hosts[2] "app1" is listed twice; keep one of them',
    ]);
  });

  it('are told when the name of their key is misspelt', () => {
    const { warnings } = loaded(withTarget(`hosts: [app1, app2], host_keys: { app1: [${key}], ap2: [${key}] }`));

    expect(warnings.map(({ message }) => message)).toEqual([
      'has no key in target.host_keys, so your own known_hosts is held to; is "ap2" meant?',
    ]);
  });

  it('may have keys of hosts of another environment beside theirs', () => {
    expect(loaded(withTarget(`hosts: [app1], host_keys: { app1: [${key}], app9: [${key}] }`)).warnings).toEqual([]);
  });
});

describe('the environment', () => {
  const two = (first: string, second: string) =>
    `${TEN_LINES.replace('  local:', `  ${first}:`)}  ${second}:\n    target: { kind: directory, path: /y }\n`;

  it('is the only one there is, else local', () => {
    expect(loaded(TEN_LINES.replace('local', 'staging')).configuration.environment).toBe('staging');
    expect(loaded(two('production', 'local')).configuration.environment).toBe('local');
    expect(environmentsOf(new TextEncoder().encode(two('production', 'local')))).toEqual(['production', 'local']);
  });

  it('has to be named when there are several and none is local', () => {
    expect(problemsOf(two('staging', 'production'))).toEqual([
      '7:1 environments which environment is not said; name one with --environment: staging, production',
    ]);
  });

  it('is asked back when it does not exist', () => {
    expect(problemsOf(two('staging', 'production'), { environment: 'prodution' })).toEqual([
      '7:1 environments there is no environment called "prodution"; did you mean "production"?',
    ]);
    expect(problemsOf(two('staging', 'production'), { environment: 'toString' })[0]).toContain(
      'known here: staging, production',
    );
  });
});

describe('checking all environments', () => {
  it('finds what is wrong in the others without asking for their secrets', () => {
    const text = LONG.replace('LOG_LEVEL: warn', 'LOG_LEVEL: [warn]');

    const { environments, problems } = checkConfiguration(aRequest(text, { secrets: SECRETS }));

    expect(environments).toEqual(['local', 'production']);
    expect(problems.map(({ path, message }) => `${path} ${message}`)).toEqual([
      'environments.production.services.api.env.LOG_LEVEL expected text, found a list',
    ]);
  });

  it('asks for the secrets of the environment that is meant', () => {
    const { problems } = checkConfiguration(aRequest(LONG, { environment: 'local', secrets: {} }));

    expect(problems.map(({ path }) => path)).toEqual([
      'services.api.env.DATABASE_URL',
      'state.policies.env.URL',
      'alerts.channels.ops.secret',
    ]);
  });

  it('reads all of them when none is meant', () => {
    const text =
      TEN_LINES.replace('  local:', '  staging:') +
      TEN_LINES.split('\n').slice(7).join('\n').replace('local', 'production');

    expect(checkConfiguration(aRequest(text))).toEqual({
      environments: ['staging', 'production'],
      problems: [],
      warnings: [],
    });
  });
});
