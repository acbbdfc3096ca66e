import { describe, expect, it } from '@jest/globals';
import { configCheck, configEnv, configSchema, configShow } from '../../src/config/commands.ts';
import { loadConfiguration, parseOverrides } from '../../src/config/load.ts';
import { InvalidConfiguration } from '../../src/config/problem.ts';
import { showConfiguration } from '../../src/config/show.ts';
import { aRequest, LONG, loaded, SECRETS, TEN_LINES } from './files.ts';

const platform = { clock: { now: () => 0 } };

function call(text: string, more = {}) {
  const request = aRequest(text, more);
  return { inputs: {}, settings: { request, result: loadConfiguration(request) } };
}

describe('config show', () => {
  const text = `version: 1
secrets: [DATABASE_URL]
services:
  web:
    artifact: build
    run: { command: [node, server.js, "\${DATABASE_URL}"], port: 3000 }
    env: { A: "1", B: overlay-me, URL: "at \${DATABASE_URL}" }
environments:
  local:
    target: { kind: directory, path: ~/web }
    services: { web: { env: { B: overlaid } } }
`;
  const overrides = parseOverrides({
    environment: { HOLDFAST__RELEASES__KEEP: '3' },
    set: ['services.web.run.stop.timeout=5s'],
  });

  it('writes every value with where it came from, and no secret', () => {
    const shown = showConfiguration(loaded(text, { secrets: SECRETS, overrides }), 'holdfast.yml');

    const lines = shown.split('\n').map((line) => line.replace(/ +# /, ' # '));
    expect(lines.slice(0, 23)).toEqual([
      '# local of my-web-app, named after its folder',
      'version: 1 # holdfast.yml:1',
      'secrets: [DATABASE_URL] # holdfast.yml:2',
      'variables: [] # default',
      'services:',
      '  web:',
      '    artifact: build # holdfast.yml:5',
      '    run:',
      '      command: [node, server.js, <secret DATABASE_URL>] # holdfast.yml:6',
      '      port: 3000 # holdfast.yml:6',
      '      host: 127.0.0.1 # default',
      '      strategy: restart # default',
      '      two_versions_at_once: false # default',
      '      instances: 1 # default',
      '      supervisor: none # default',
      '      stop:',
      '        signal: SIGTERM # default',
      '        timeout: 5s # --set services.web.run.stop.timeout',
      '    env:',
      '      A: "1" # holdfast.yml:7',
      '      B: overlaid # holdfast.yml:11, environment local',
      '      URL: <secret DATABASE_URL> # holdfast.yml:7',
      '    shared: [] # default',
    ]);
    expect(lines).toContain('  keep: 3 # variable HOLDFAST__RELEASES__KEEP');
    expect(shown).not.toContain(SECRETS.DATABASE_URL);
  });

  it('writes what could be loaded again', () => {
    const shown = showConfiguration(loaded(LONG, { secrets: SECRETS, environment: 'production' }), 'holdfast.yml');
    const { target, ...rest } = loaded(LONG, { secrets: SECRETS, environment: 'production' }).configuration;
    const body = shown
      .split('\n')
      .filter((line) => !line.endsWith('# default'))
      .join('\n')
      .replace(/<secret (\w+)>/g, (_, name: string) => `"\${${name}}"`)
      .replace(/\ntarget:\n.*\n.*/, '');

    const again = loaded(
      `${body}\nenvironments:\n  production: { target: { kind: directory, path: /srv/navigator } }\n  local: { target: { kind: directory, path: /x } }\n`,
      {
        secrets: SECRETS,
        environment: 'production',
      },
    ).configuration;

    expect({ ...again, secretPaths: {} }).toEqual({ ...rest, target, secretPaths: {} });
  });

  it('hands machines the same without a secret', async () => {
    const report = await configShow.run(call(text, { secrets: SECRETS }), platform);

    expect(JSON.stringify(report)).not.toContain(SECRETS.DATABASE_URL);
    expect(report.record).toMatchObject({
      configuration: { services: { web: { env: { URL: '<secret DATABASE_URL>' }, run: { port: 3000 } } } },
      origins: { 'services.web.env.B': 'holdfast.yml:11, environment local', 'releases.keep': 'default' },
    });
    expect(configShow.bare?.(report)).toMatch(/^# local of my-web-app.*\n[\s\S]*\n$/);
  });

  it('shows nothing of a file that does not load', async () => {
    await expect(configShow.run(call('version: 2'), platform)).rejects.toThrow(InvalidConfiguration);
  });
});

describe('config check', () => {
  it('says for which environments the file is valid', async () => {
    const report = await configCheck.run(call(LONG, { secrets: SECRETS }), platform);

    expect(report).toMatchObject({
      decision: 'proceed',
      reason: 'configuration-valid',
      summary: 'holdfast.yml is valid for local, production',
      findings: [],
    });
  });

  it('lists the problems and their number otherwise', async () => {
    const run = configCheck.run(call(TEN_LINES.replace('port: 3000', 'prot: 3000')), platform);

    await expect(run).rejects.toThrow(
      /^holdfast\.yml:5:40 {2}services\.web\.run\.prot {3}unknown key; did you mean "port"\?\n1 problem in holdfast\.yml$/,
    );
  });

  it('reports warnings as findings', async () => {
    const report = await configCheck.run(call(`secrets: [UNUSED]\n${TEN_LINES}`), platform);

    expect(report.findings).toMatchObject([{ outcome: 'warn', path: 'secrets[0]' }]);
    expect(report.decision).toBe('proceed');
  });
});

describe('config env', () => {
  it('lists each name with its use, and no value', async () => {
    const report = await configEnv.run(
      call(LONG.replace('[REGION, WORKERS]', '[REGION, WORKERS, OLD]'), { secrets: SECRETS }),
      platform,
    );

    expect(configEnv.bare?.(report)).toBe(`# What holdfast.yml reads from outside, for local, production.
# Fill it in where Holdfast runs; a file with values in it does not belong into the repository.

# secret, required: where the policies live
# read by services.api.env.DATABASE_URL, state.policies.env.URL
DATABASE_URL=

# secret, required
# read by alerts.channels.ops.secret
ALERT_KEY=

# variable, optional, default "eu"
# read by services.api.env.REGION
#REGION=

# variable, optional, default "4"
# read by environments.production.services.worker.run.instances
#WORKERS=

# variable, read by nothing
#OLD=
`);
  });

  it('works before anything is set, and says when there is nothing to read', async () => {
    const report = await configEnv.run(call(TEN_LINES), platform);

    expect(configEnv.bare?.(report)).toContain('# It lists neither secrets nor variables.');
  });
});

describe('config schema', () => {
  it('prints the schema and needs no file', async () => {
    const report = await configSchema.run({ inputs: {}, settings: undefined }, platform);

    expect(JSON.parse(configSchema.bare?.(report) ?? '')).toMatchObject({ title: 'Holdfast configuration' });
  });
});
