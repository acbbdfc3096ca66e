import { describe, expect, it } from '@jest/globals';
import { isSealed, sealedNames } from '../../src/core/sealed.ts';
import { loaded, problemsOf, TEN_LINES } from './files.ts';

const HEAD = 'secrets: [KEY, PW]\nvariables: [NAME, PORT, ON, WAIT, EMPTY]\n';
const withEnv = (value: string) => `${HEAD}${TEN_LINES.replace('health:', () => `env: { A: ${value} }\n    health:`)}`;
const values = {
  secrets: { PW: 'hunter2-hunter2', KEY: '' },
  variables: { NAME: 'eu', PORT: '8080', ON: 'true', WAIT: '90s', EMPTY: '', PATH: '/bin' },
};

describe('substitution', () => {
  it.each([
    { name: 'a variable', value: '"${NAME}"', expected: 'eu' },
    { name: 'a part of a text', value: '"a-${NAME}-b-${PORT}"', expected: 'a-eu-b-8080' },
    { name: 'a default where none is set', value: '"${KEY:-none}"', expected: 'none' },
    { name: 'an empty default', value: '"${KEY:-}"', expected: '' },
    { name: 'a default for an empty variable', value: '"${EMPTY:-full}"', expected: 'full' },
    { name: 'an empty variable as it is', value: '"${EMPTY}"', expected: '' },
    { name: 'a value where there is a message', value: '"${NAME:?where we are}"', expected: 'eu' },
    { name: 'a dollar sign', value: '"$$5 and $$${NAME}"', expected: '$5 and $eu' },
    { name: 'an escaped brace', value: '"$${NAME}"', expected: '${NAME}' },
    { name: 'a lone dollar sign', value: '"a$ $b $.c"', expected: 'a$ $b $.c' },
    { name: 'a number as text where text is wanted', value: '"${PORT}"', expected: '8080' },
  ])('reads $name', ({ value, expected }) => {
    expect(loaded(withEnv(value), values).configuration.services['web']?.env['A']).toBe(expected);
  });

  it('does not read what came out of it again', () => {
    const { configuration } = loaded(withEnv('"${NAME}"'), { ...values, variables: { NAME: '${PW} *x {a: b}' } });

    expect(configuration.services['web']?.env['A']).toBe('${PW} *x {a: b}');
  });

  it('becomes a number, a boolean or a duration where the schema wants one', () => {
    const text = `${HEAD}${TEN_LINES.replace(
      '3000',
      '"${PORT}", strategy: socket, two_versions_at_once: "${ON}"',
    ).replace('/healthz', '/healthz, timeout: "${WAIT}", version: { path: /version }')}`;

    const web = loaded(text, values).configuration.services['web'];

    expect(web?.run).toMatchObject({ port: 8080, two_versions_at_once: true });
    expect(web?.health.timeout).toBe(90_000);
  });

  it('says what a substituted value should have been', () => {
    const text = `${HEAD}${TEN_LINES.replace('3000', '"${NAME}"')}`;

    expect(problemsOf(text, values)).toEqual([
      '7:46 services.web.run.port expected a whole number from 1 to 65535, found "eu"',
    ]);
  });

  it.each([
    {
      name: 'a name that is not listed',
      value: '"${PATH}"',
      expected:
        '${PATH} may not be read: PATH is neither in secrets nor in variables; add it to one of these lists at the top of the file',
    },
    {
      name: 'a name that is nearly listed',
      value: '"${NAEM}"',
      expected: '${NAEM} may not be read: NAEM is neither in secrets nor in variables; did you mean "NAME"?',
    },
    {
      name: 'a secret that is not set',
      value: '"${KEY}"',
      expected: 'the secret KEY is not set; set it where this runs (on GitHub: in HOLDFAST_SECRETS)',
    },
    {
      name: 'a message of the user',
      value: '"${KEY:?ask the data team}"',
      expected: 'the secret KEY is not set: ask the data team',
    },
    {
      name: 'an empty variable with a message',
      value: '"${EMPTY:?a region}"',
      expected: 'the variable EMPTY is not set: a region',
    },
    {
      name: 'no closing brace',
      value: '"${NAME"',
      expected: '"${NAME" has no closing brace; write ${NAME}, or $$ for a dollar sign',
    },
    {
      name: 'a workflow expression',
      value: '"${{ secrets.PW }}"',
      expected: '"${{ secrets.PW }" is an expression of a workflow file; here it is ${NAME}',
    },
    {
      name: 'another operator',
      value: '"${NAME-x}"',
      expected:
        '"${NAME-x}" is no substitution; write ${NAME}, ${NAME:-default} or ${NAME:?message}, or $$ for a dollar sign',
    },
    {
      name: 'an inherited name',
      value: '"${constructor}"',
      expected:
        '${constructor} may not be read: constructor is neither in secrets nor in variables; add it to one of these lists at the top of the file',
    },
  ])('refuses $name', ({ value, expected }) => {
    expect(problemsOf(withEnv(value), values)).toEqual([`8:15 services.web.env.A ${expected}`]);
  });

  it('never reads keys', () => {
    expect(problemsOf(withEnv('x, "${NAME}": y'), values)).toEqual([
      '8:18 services.web.env.${NAME} not a usable key; expected a name of letters, digits and "_"',
    ]);
  });
});

describe('secrets', () => {
  it('are told to the host by name, value and place, only those that are used', () => {
    const { configuration } = loaded(withEnv('"postgres://me:${PW}@db"'), values);

    expect(configuration.secretValues).toEqual({ PW: 'hunter2-hunter2' });
    expect(configuration.secretPaths).toEqual({ 'services.web.env.A': ['PW'] });
  });

  it('in lists are told with their index', () => {
    const text = `${HEAD}${TEN_LINES.replace('server.js', '"${PW}"')}`;

    expect(loaded(text, values).configuration.secretPaths).toEqual({ 'services.web.run.command[1]': ['PW'] });
  });

  const channel = (secret: string) => `${HEAD}${TEN_LINES}alerts:
  channels: { ops: { kind: webhook, url: https://example.org, secret: ${secret} } }
  routes: [{ send: [ops] }]
`;

  it.each(['a-literal-key-of-the-file', '"${NAME}"', '123'])('are never the literal %s', (secret) => {
    expect(problemsOf(channel(secret), values)).toEqual([
      '13:71 alerts.channels.ops.secret a secret belongs here, not a value: list its name under secrets and write "${NAME}"',
    ]);
  });

  it('are not shown when they are not what is wanted', () => {
    const [problem, ...rest] = problemsOf(channel('"${PW}"'), { ...values, secrets: { PW: 'short-one' } });

    expect(rest).toEqual([]);
    expect(problem).toContain('expected text of at least 16 characters, found the value of the secret PW');
    expect(problem).not.toContain('short-one');
  });

  const slack = (webhook: string) => `${HEAD}${TEN_LINES}alerts:
  channels: { ops: { kind: slack, webhook: ${webhook} } }
  routes: [{ send: [ops] }]
`;

  it('that are the address of a webhook are private on their way, and sealed where they are not known', () => {
    const secrets = (PW: string) => ({ ...values, secrets: { PW } });

    expect(problemsOf(slack('https://hooks.slack.com/services/x'), values)).toEqual([
      expect.stringContaining('alerts.channels.ops.webhook a secret belongs here, not a value'),
    ]);
    expect(problemsOf(slack('"${PW}"'), secrets('http://hooks.slack.com/services/x'))).toEqual([
      '13:44 alerts.channels.ops.webhook expected an https address like https://hooks.slack.com/services/…, found the value of the secret PW',
    ]);
    expect(problemsOf(slack('"${PW}"'), secrets('https://hooks.slack.com/services/x'))).toEqual([]);
    expect(problemsOf(slack('"${PW}"'), { sealed: true })).toEqual([]);
  });

  describe('that may be missing', () => {
    it('are used where they are there, and known by name only where they are not or are empty', () => {
      const some = { sealed: true, secrets: { KEY: 'here', PW: '' } };
      const text = withEnv('"${KEY}-${PW:?not here}"');

      const { configuration } = loaded(text, some);

      expect(configuration.services['web']?.env['A']).toBe('here-<sealed secret PW>');
      expect(configuration.secretValues).toEqual({ KEY: 'here' });
    });
  });

  describe('that are sealed', () => {
    const sealed = { sealed: true, secrets: {}, variables: values.variables };

    it('leave a marker that can be found, and need no value', () => {
      const { configuration } = loaded(channel('"${PW:?not here}"'), sealed);
      const ops = configuration.alerts.channels['ops'];

      expect(isSealed(ops)).toBe(true);
      expect(sealedNames(configuration.alerts)).toEqual(['PW']);
      expect(isSealed(configuration.services)).toBe(false);
      expect(configuration.secretValues).toEqual({});
      expect(configuration.secretPaths).toEqual({ 'alerts.channels.ops.secret': ['PW'] });
    });

    it('do not fall back to their default', () => {
      const { configuration } = loaded(withEnv('"x-${KEY:-fallback}"'), sealed);

      expect(configuration.services['web']?.env['A']).toBe('x-<sealed secret KEY>');
      expect(isSealed(configuration.services['web']?.env['A'])).toBe(true);
    });

    it('may stand where a number, a path or a duration is wanted', () => {
      const text = `${HEAD}${TEN_LINES.replace('3000', '"${PW}"').replace('/healthz', '"${PW}", timeout: "${KEY}"')}`;

      const web = loaded(text, sealed).configuration.services['web'];

      expect(sealedNames(web)).toEqual(['PW', 'KEY']);
      expect(isSealed(web?.run.port)).toBe(true);
      expect(web?.run.instances).toBe(1);
    });
  });
});
