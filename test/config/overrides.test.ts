import { describe, expect, it } from '@jest/globals';
import { parseOverrides } from '../../src/config/load.ts';
import { loaded, problemsOf, TEN_LINES } from './files.ts';

const text = `${TEN_LINES.replace('services:', 'services:\n  document-worker: { artifact: b, run: { command: [w] }, env: { log_level: info } }')}`;
const variables = (environment: Record<string, string>) => ({ overrides: parseOverrides({ environment, set: [] }) });
const sets = (...set: string[]) => ({ overrides: parseOverrides({ environment: {}, set }) });

describe('HOLDFAST__ variables', () => {
  it.each([
    { name: 'upper case', variable: 'HOLDFAST__SERVICES__WEB__RUN__PORT' },
    { name: 'lower case', variable: 'holdfast__services__web__run__port' },
  ])('are read in $name', ({ variable }) => {
    expect(loaded(text, variables({ [variable]: '4000' })).configuration.services['web']?.run.port).toBe(4000);
  });

  it('find names with dashes, and keys that stand in the file whatever their case', () => {
    const { configuration } = loaded(
      text,
      variables({
        HOLDFAST__SERVICES__DOCUMENT_WORKER__ENV__LOG_LEVEL: 'debug',
        HOLDFAST__BACKUP__ON_ROLLBACK: 'always',
      }),
    );

    expect(configuration.services['document-worker']?.env).toEqual({ log_level: 'debug' });
    expect(configuration.backup.on_rollback).toBe('always');
  });

  it('make new names as the place wants them', () => {
    const { configuration } = loaded(
      text,
      variables({
        HOLDFAST__SERVICES__WEB__ENV__API_URL: 'x',
        HOLDFAST__STATE__POLICY_FILES__KIND: 'files',
        HOLDFAST__STATE__POLICY_FILES__PATH: 'data',
      }),
    );

    expect(configuration.services['web']?.env).toEqual({ API_URL: 'x' });
    expect(configuration.state['policy-files']).toMatchObject({ kind: 'files', path: 'data' });
  });

  it('apply the longer path later, in whatever order they are set', () => {
    const { configuration } = loaded(
      text,
      variables({ HOLDFAST__RELEASES__KEEP: '9', HOLDFAST__RELEASES: '{ keep: 3 }' }),
    );

    expect(configuration.releases.keep).toBe(9);
  });

  it('are none without the two underscores', () => {
    expect(parseOverrides({ environment: { HOLDFAST_SECRETS: 'x', HOLDFAST: 'y', HOME: '/' }, set: [] })).toEqual([]);
  });
});

describe('--set', () => {
  it('takes numbers, booleans, lists and maps where they are wanted, and text where text is', () => {
    const web = loaded(
      text,
      sets(
        'services.web.run.command=[node, "a b"]',
        'services.web.env.N=5',
        'services.web.env.L=[1]',
        'services.web.run.stop={ timeout: 1s }',
      ),
    ).configuration.services['web'];

    expect(web?.run.command).toEqual(['node', 'a b']);
    expect(web?.env).toEqual({ N: '5', L: '[1]' });
    expect(web?.run.stop.timeout).toBe(1000);
  });

  it('takes away with null', () => {
    expect(loaded(text, sets('services.web.health=null')).configuration.services['web']?.health.path).toBeUndefined();
  });

  it('reaches keys with a dot in double quotes, and keeps every "=" of the value', () => {
    const checked = `${text}validate: { checks: { one: { kind: http, path: / } } }\n`;

    const { configuration } = loaded(checked, sets('validate.checks.one.expect.json."$.a.b"=x=y'));

    expect(configuration.validate.checks['one']).toMatchObject({ expect: { json: { '$.a.b': 'x=y' } } });
  });

  it('substitutes like the file does', () => {
    const listed = `variables: [NAME]\n${text}`;

    const { configuration } = loaded(listed, { variables: { NAME: 'eu' }, ...sets('services.web.env.R=${NAME}') });

    expect(configuration.services['web']?.env).toEqual({ R: 'eu' });
  });

  it.each([
    {
      set: 'services.web.run.prot=1',
      expected: '--set services.web.run.prot services.web.run.prot unknown key; did you mean "port"?',
    },
    {
      set: 'services.web.run.port=x',
      expected: '--set services.web.run.port services.web.run.port expected a whole number from 1 to 65535, found "x"',
    },
    {
      set: 'services.web.run.command[0]=x',
      expected: '--set services.web.run.command[0] services.web.run.command[0] unknown key; did you mean "command"?',
    },
    {
      set: 'services.web.run.command.0=x',
      expected:
        '--set services.web.run.command.0 services.web.run.command.0 services.web.run.command is a list, and a list is replaced as a whole: set it to [a, b]',
    },
    {
      set: 'services.web.run.command=[a',
      expected:
        '--set services.web.run.command services.web.run.command the value is not valid YAML; write [a, b] or { a: 1 }',
    },
    { set: 'nothing', expected: '--set nothing  expected a path, "=" and a value, like services.api.run.port=3001' },
    { set: '=x', expected: '--set   expected a path, "=" and a value, like services.api.run.port=3001' },
    { set: 'a..b=x', expected: '--set a..b  expected a path, "=" and a value, like services.api.run.port=3001' },
    {
      set: 'services.web.env.__proto__=x',
      expected:
        '--set services.web.env.__proto__ services.web.env.__proto__ "__proto__" cannot be a key; take another name',
    },
    {
      set: 'environments.local.target.path=/',
      expected:
        '--set environments.local.target.path environments.local.target.path an override applies to the environment that is chosen; leave "environments" and its name out of the path',
    },
  ])('says what is wrong with $set', ({ set, expected }) => {
    expect(problemsOf(text, sets(set))).toEqual([expected]);
  });

  it('names the variable that is wrong', () => {
    expect(problemsOf(text, variables({ HOLDFAST__SERVICES__WEB__HEALTH__STREAK: '0' }))).toEqual([
      'HOLDFAST__SERVICES__WEB__HEALTH__STREAK services.web.health.streak expected a whole number from 1 to 100, found "0"',
    ]);
    expect(problemsOf(text, variables({ HOLDFAST__SERVICES____PORT: '0' }))).toEqual([
      'HOLDFAST__SERVICES____PORT  a name is missing; write HOLDFAST__, then keys joined by "__"',
    ]);
  });
});

describe('overrides of policy', () => {
  const production = text.replace('local', 'production');

  it.each(['backup.on_rollback=never', 'validate={ required: [] }', 'target.path=/tmp', 'access=null', 'secrets=[A]'])(
    'are refused outside of local: %s',
    (set) => {
      const [first] = problemsOf(production, sets(set));

      expect(first).toContain('is policy and cannot be overridden for production; change it in the file');
      expect(problemsOf(text, sets(set)).join()).not.toContain('is policy');
    },
  );

  it('leave everything else open', () => {
    expect(
      loaded(production, sets('services.web.run.port=1', 'validate.performance.samples=9')).configuration.environment,
    ).toBe('production');
  });
});
