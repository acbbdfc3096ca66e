import { describe, expect, it } from '@jest/globals';
import { type LoadResult, loadConfiguration, parseOverrides } from '../../src/config/load.ts';

const PROTECTED = `version: 1
project: shop
secrets: [DATABASE_URL]
services:
  web:
    artifact: ./build
    run: { command: [node, server.js], port: 3000 }
    env: { DATABASE_URL: '\${DATABASE_URL}' }
    shared: [uploads, more]
state:
  uploads: { kind: files, service: web, path: uploads }
backup: { keep: { last: 9 } }
validate: { required: [infrastructure] }
compliance: { frameworks: [gdpr] }
access: { roles: { deployer: ['user:1'] } }
environments:
  local: { target: { kind: directory, path: ~/apps/web } }
  production:
    target: { kind: directory, path: /srv/web }
    backup: { on_rollback: always }
`;

const values = { secrets: { DATABASE_URL: 'the database', OTHER: 'another' }, variables: {} };

function load(
  text: string,
  {
    environment = 'production',
    set = [],
    policy = PROTECTED,
  }: { environment?: string; set?: string[]; policy?: string } = {},
): LoadResult {
  return loadConfiguration({
    ...values,
    bytes: Buffer.from(text),
    file: 'holdfast.yml',
    directory: '/repository',
    environment,
    overrides: parseOverrides({ environment: {}, set }),
    policy: { bytes: Buffer.from(policy), branch: 'main' },
  });
}

function loaded(result: LoadResult) {
  if (!result.ok) throw new Error(result.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return result;
}

/** The protected file with one text replaced: what somebody wants to release. */
function released(from: string | RegExp, to: string): string {
  const text = PROTECTED.replace(from, to);
  expect(text).not.toBe(PROTECTED);
  return text;
}

describe('the policy of the protected file', () => {
  it('says nothing when the released file has the same', () => {
    const { configuration, warnings } = loaded(load(PROTECTED));

    expect(warnings).toEqual([]);
    expect(configuration.backup).toMatchObject({ keep: { last: 9 }, on_rollback: 'always' });
  });

  it.each([
    { name: 'gives itself a role', text: released("'user:1'", "'user:1', 'user:666'"), path: 'access' },
    { name: 'drops access', text: released(/^access.*\n/m, ''), path: 'access' },
    { name: 'takes access away with null', text: released(/^access.*$/m, 'access: null'), path: 'access' },
    {
      name: 'takes access away in the environment',
      text: released('backup: { on_rollback', 'access: null\n    backup: { on_rollback'),
      path: 'access',
    },
    { name: 'keeps fewer backups', text: released('last: 9', 'last: 1'), path: 'backup' },
    { name: 'never restores', text: released('always', 'never'), path: 'backup' },
    { name: 'requires nothing', text: released('[infrastructure]', '[]'), path: 'validate.required' },
    {
      name: 'takes validate away in the environment',
      text: released('backup: { on_rollback', 'validate: null\n    backup: { on_rollback'),
      path: 'validate.required',
    },
    { name: 'leaves a framework', text: released('[gdpr]', '[]'), path: 'compliance' },
    { name: 'goes elsewhere', text: released('/srv/web', '/srv/other'), path: 'environments.production.target' },
    {
      name: 'drops state',
      text: released(/^ {2}uploads: \{ kind.*\n/m, '  more: { kind: files, service: web, path: more }\n'),
      path: 'state.uploads',
    },
    { name: 'empties state', text: released(/^state:\n.*\n/m, 'state: {}\n'), path: 'state.uploads' },
    { name: 'points state at nothing', text: released('path: uploads }', 'path: more }'), path: 'state.uploads' },
    {
      name: 'takes state away in the environment',
      text: released('backup: { on_rollback', 'state: { uploads: null }\n    backup: { on_rollback'),
      path: 'state.uploads',
    },
    {
      name: 'adds a way for alerts',
      text: released(/^access/m, 'alerts: { channels: { t: { kind: terminal } }, routes: [{ send: [t] }] }\naccess'),
      path: 'alerts',
    },
    {
      name: 'compares with another baseline',
      text: released('[infrastructure] }', '[infrastructure], baseline: { from: staging } }').replace(
        '  local:',
        '  staging: { target: { kind: directory, path: ~/s } }\n  local:',
      ),
      path: 'validate.baseline',
    },
  ])('holds, with a warning, when the released file $name', ({ text, path }) => {
    const expected = loaded(load(PROTECTED)).configuration;

    const { configuration, warnings } = loaded(load(text));

    const { access, backup, compliance, alerts, target } = configuration;
    expect({ access, backup, compliance, alerts, target }).toEqual({
      access: expected.access,
      backup: expected.backup,
      compliance: expected.compliance,
      alerts: expected.alerts,
      target: expected.target,
    });
    expect(configuration.validate.required).toEqual(expected.validate.required);
    expect(configuration.validate.baseline).toEqual(expected.validate.baseline);
    expect(configuration.state).toMatchObject(expected.state);
    expect(warnings.map((warning) => warning.path)).toContain(path);
  });

  it('lets the released file add state, and change what is no policy', () => {
    const text = released('backup: { keep', 'BACKUP')
      .replace('BACKUP', '  more: { kind: files, service: web, path: more }\nbackup: { keep')
      .replace('port: 3000', 'port: 3001');

    const { configuration, warnings } = loaded(load(text));

    expect(Object.keys(configuration.state)).toEqual(['uploads', 'more']);
    expect(configuration.services['web']?.run).toMatchObject({ port: 3001 });
    expect(warnings).toEqual([]);
  });

  it('decides which secrets there are', () => {
    const text = released('[DATABASE_URL]', '[DATABASE_URL, OTHER]').replace(
      "'${DATABASE_URL}' }",
      "'${DATABASE_URL}', X: '${OTHER}' }",
    );

    const result = load(text);

    expect(result).toMatchObject({ ok: false, problems: [expect.objectContaining({ path: 'services.web.env.X' })] });
  });

  it('is not reached by overrides', () => {
    const result = load(PROTECTED, { set: ['access.roles.deployer=["user:666"]', 'state.uploads=null'] });

    expect(result).toMatchObject({
      ok: false,
      problems: [expect.objectContaining({ message: expect.stringContaining('access is policy') })],
    });
    const { configuration } = loaded(load(PROTECTED, { set: ['state.uploads=null'] }));
    expect(Object.keys(configuration.state)).toEqual(['uploads']);
  });

  it('stops an environment that it does not have', () => {
    const text = released(
      '  production:',
      '  staging: { target: { kind: directory, path: /srv/staging } }\n  production:',
    );

    expect(load(text, { environment: 'staging' })).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([
        expect.objectContaining({ message: expect.stringContaining('the policy of staging cannot be read') }),
      ]),
    });
  });

  it('stops everything when it cannot be read', () => {
    for (const policy of ['', '- a', 'environments: {', '\u0000']) expect(load(PROTECTED, { policy }).ok).toBe(false);
  });

  it('leaves `local` to whoever sits at this computer', () => {
    const { configuration, warnings } = loaded(load(released('last: 9', 'last: 1'), { environment: 'local' }));

    expect(configuration.backup.keep).toMatchObject({ last: 1 });
    expect(warnings).toEqual([]);
  });

  it('tells where each value comes from', () => {
    const { origins } = loaded(load(released('last: 9', 'last: 1')));

    expect(origins['backup.keep.last']).toEqual({ kind: 'protected', branch: 'main', line: 12 });
    expect(origins['services.web.artifact']).toEqual({ kind: 'file', line: 6 });
  });
});
