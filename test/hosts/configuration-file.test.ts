import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../src/core/errors.ts';
import { listedSecrets, readConfigurationFile } from '../../src/hosts/configuration-file.ts';

/** A file system of these files; what is not there reads as undefined. */
function filesOf(texts: Readonly<Record<string, string>>) {
  return {
    read: async (path: string) => {
      const text = texts[path];
      return text === undefined ? undefined : Buffer.from(text);
    },
  };
}

async function errorOf(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof UserError) return error;
  throw new Error(`expected a UserError, found ${error}`);
}

describe('readConfigurationFile', () => {
  const files = filesOf({ '/shop/holdfast.yml': 'shop', '/shop/api/other.yml': 'other' });

  it.each([
    { cwd: '/shop', named: undefined, path: '/shop/holdfast.yml', shown: 'holdfast.yml' },
    { cwd: '/shop/api/deep', named: undefined, path: '/shop/holdfast.yml', shown: '../../holdfast.yml' },
    { cwd: '/shop', named: 'api/other.yml', path: '/shop/api/other.yml', shown: 'api/other.yml' },
    { cwd: '/tmp', named: '/shop/holdfast.yml', path: '/shop/holdfast.yml', shown: '../shop/holdfast.yml' },
  ])('finds $path from $cwd, named $named', async ({ cwd, named, path, shown }) => {
    expect(await readConfigurationFile(named, cwd, files)).toMatchObject({ path, shown });
  });

  it('says where it looked when there is none', async () => {
    const error = await errorOf(readConfigurationFile(undefined, '/elsewhere/deep', files));

    expect(error.message).toBe('there is no holdfast.yml in /elsewhere/deep or in a folder above it');
    expect(error.hint).toContain('holdfast init');
  });

  it('does not look further when the named file is not there', async () => {
    const error = await errorOf(readConfigurationFile('missing.yml', '/shop', files));

    expect(error.message).toBe('the configuration missing.yml does not exist');
  });

  it('says so when the file cannot be read', async () => {
    const refusing = { read: () => Promise.reject(new Error('EACCES: permission denied')) };

    expect((await errorOf(readConfigurationFile(undefined, '/shop', refusing))).code).toBe('configuration-unreadable');
  });
});

describe('listedSecrets', () => {
  const environment = { DATABASE_URL: 'postgres://secret', TOKEN: 'abcdef', EMPTY: '', OTHER: 'not listed' };

  it.each([
    { name: 'a list', text: 'secrets: [DATABASE_URL, TOKEN]', expected: ['DATABASE_URL', 'TOKEN'] },
    { name: 'names that are not set', text: 'secrets: [MISSING, EMPTY, TOKEN]', expected: ['TOKEN'] },
    { name: 'a file that is broken further down', text: 'secrets: [TOKEN]\nservices: {{{', expected: ['TOKEN'] },
    { name: 'something that is no list', text: 'secrets: TOKEN', expected: [] },
    { name: 'a list of what cannot be names', text: 'secrets: [[TOKEN], {a: b}, 1]', expected: [] },
    { name: 'a scalar', text: 'TOKEN', expected: [] },
    { name: 'nothing', text: '', expected: [] },
    { name: 'bytes that are no text', text: '\u0000\ufffd', expected: [] },
    { name: 'a list behind an alias', text: 'names: &names [TOKEN]\nsecrets: *names', expected: ['TOKEN'] },
  ])('reads the values of $name', ({ text, expected }) => {
    expect(Object.keys(listedSecrets(Buffer.from(text), environment))).toEqual(expected);
  });
});
