import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { systemCode } from '../../src/machines/ssh/failures.ts';
import { holdersOf, listeningInodes, parseTable } from '../../src/machines/ssh/process-table.ts';
import { quote, quoteAll } from '../../src/machines/ssh/quote.ts';
import { SshConnection } from '../../src/machines/ssh/settings.ts';

describe('quoting', () => {
  it('brings any words through a shell as they are', () => {
    const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0') && text.isWellFormed());
    const nasty = fc.string({ unit: fc.constantFrom("'", '\\', '"', '$', '`', '\n', ' ', '-', '!', '*', '~', 'a') });

    fc.assert(
      fc.property(fc.array(fc.oneof(word, nasty), { minLength: 1, maxLength: 30 }), (words) => {
        const script = `printf '%s\\0' ${quoteAll(words)}`;
        const { stdout } = spawnSync('sh', { input: script, encoding: 'utf8' });

        expect(stdout.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 150 },
    );
  });

  it.each(['a\0b', '\ud800', 'a\udfff'])('refuses %j, which no command can be given', (text) => {
    expect(() => quote(text)).toThrow(TypeError);
  });
});

describe('what programs say about a failure', () => {
  it.each([
    { said: "stat: cannot statx '/a': No such file or directory", code: 'ENOENT' },
    { said: "cat: '/a: File exists': Permission denied", code: 'EACCES' },
    { said: "ln: failed to create hard link '/a': File exists", code: 'EEXIST' },
    { said: "dd: error writing '/a': No space left on device", code: 'ENOSPC' },
    { said: "first line\nmv: cannot move 'a' to 'b': Directory not empty", code: 'ENOTEMPTY' },
    { said: "mv: cannot overwrite directory '/b' with non-directory '/a'", code: 'EISDIR' },
    { said: 'sh: 1: cannot create /a/b: Directory nonexistent', code: 'ENOENT' },
    { said: 'something else went wrong', code: undefined },
    { said: 'a: constructor', code: undefined },
    { said: '', code: undefined },
  ])('$said → $code', ({ said, code }) => {
    expect(systemCode(said)).toBe(code);
  });
});

describe('the table of processes', () => {
  const fields = (pid: number, name: string, start: number) =>
    `${pid} (${name}) S 1 ${pid} ${pid} 0 -1 ${'0 '.repeat(13)}${start} ${'0 '.repeat(30).trim()}\n`;

  it.each(['sh', 'a b', ') S 1 2 3', '(x)', 'two\nlines', '1 (a) S 1\n2 (b'])(
    'reads a process whose name is %j',
    (name) => {
      const text = fields(11, 'before', 5) + fields(12, name, 678) + fields(13, 'after', 9);

      expect(parseTable(text).map(({ pid, startTicks }) => [pid, startTicks])).toEqual([
        [11, 5],
        [12, 678],
        [13, 9],
      ]);
    },
  );

  it('finds who listens on a port', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0',
      '   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0',
      '   2: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0',
    ].join('\n');

    expect([...listeningInodes(table, 8080)]).toEqual(['4242']);
    const lines =
      "'/proc/12/fd/3' -> 'socket:[4242]'\n/proc/13/fd/4 -> socket:[4242]\n'/proc/14/fd/3' -> 'socket:[9]'\n";
    expect(holdersOf(new Set(['4242']), lines)).toEqual([12, 13]);
  });
});

describe('the settings of a connection', () => {
  const key = `ssh-ed25519 ${'A'.repeat(68)}`;

  it.each([key, `${key} root@host`, `app1.example.org ${key}`, `[app1]:2222 ${key}\n`])(
    'take the host key %j',
    (text) => {
      const settings = SshConnection.parse({ host: 'app1.example.org', host_keys: [text] });

      expect(settings).toEqual({ host: 'app1.example.org', port: 22, host_keys: [key] });
    },
  );

  it.each(['', 'ssh-ed25519', `ssh-dss ${'A'.repeat(68)}`, `${key}\n${key}`, `@cert-authority * ${key}`, '# comment'])(
    'refuse the host key %j',
    (text) => {
      expect(SshConnection.safeParse({ host: 'a', host_keys: [text] }).success).toBe(false);
    },
  );

  it.each(['-oProxyCommand=id', '', 'a b', "a'b", 'user@host'])('refuse the host %j', (host) => {
    expect(SshConnection.safeParse({ host, host_keys: [key] }).success).toBe(false);
  });

  it.each(['-l', '', 'a b', 'a;b'])('refuse the user %j', (user) => {
    expect(SshConnection.safeParse({ host: 'a', user, host_keys: [key] }).success).toBe(false);
  });

  it('refuse a host without keys', () => {
    expect(SshConnection.safeParse({ host: 'a', host_keys: [] }).success).toBe(false);
  });
});
