import { describe, expect, it } from '@jest/globals';
import { load, loaded, problemsOf, TEN_LINES } from './files.ts';

const bytes = (...parts: (string | readonly number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : [...part])));

const bomb = `${['a: &a0 [x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 9 }, (_, level) => `b${level}: &a${level + 1} [${Array(9).fill(`*a${level}`).join(', ')}]`)].join('\n')}\n`;

describe('the form of the file', () => {
  it.each([
    { name: 'empty', text: '', expected: '1:1  the file is empty; "holdfast init" writes a first one' },
    {
      name: 'only a comment',
      text: '# nothing\n\n',
      expected: '1:1  the file is empty; "holdfast init" writes a first one',
    },
    { name: 'an empty map', text: '{}', expected: '1:1  the file is empty; "holdfast init" writes a first one' },
    { name: 'null', text: '~\n', expected: '1:1  the file is empty; "holdfast init" writes a first one' },
    {
      name: 'a scalar',
      text: '\nholdfast',
      expected: '2:1  expected a map with the keys version, services and environments, found a single value',
    },
    {
      name: 'a list',
      text: '- version: 1',
      expected: '1:1  expected a map with the keys version, services and environments, found a list',
    },
  ])('is told when the file is $name', ({ text, expected }) => {
    expect(problemsOf(text)).toEqual([expected]);
  });

  it.each([
    {
      name: 'binary',
      file: bytes('version: 1\n', [0x00, 0x01]),
      expected: '2:1  the file holds the control character U+0000, so it is no text; give the path of a YAML file',
    },
    {
      name: 'an archive',
      file: bytes([0x1f, 0x8b, 0x08, 0x00]),
      expected: '1:1  the file holds the control character U+001F, so it is no text; give the path of a YAML file',
    },
    {
      name: 'Latin-1',
      file: bytes('version: 1\nproject: "caf', [0xe9], '"\n'),
      expected: '2:14  the file is not UTF-8 text; save it as UTF-8',
    },
    { name: 'UTF-16', file: bytes([0xff, 0xfe, 0x61, 0x00]), expected: '1:1  the file is UTF-16; save it as UTF-8' },
    {
      name: 'of an old line ending',
      file: bytes('version: 1\rservices: {}\r'),
      expected: '1:11  a carriage return without a line feed; end lines with LF or CRLF',
    },
    {
      name: 'too large',
      file: bytes(`${TEN_LINES}#${'x'.repeat(70_000)}`),
      expected: '1:1  the file has 70207 bytes; at most 65536 (64 KiB) are read, remove what is no configuration',
    },
  ])('is told when the file is $name', ({ file, expected }) => {
    expect(problemsOf('', { bytes: file })).toEqual([expected]);
  });

  it.each([
    {
      name: 'a tab as indentation',
      text: TEN_LINES.replace('  web:', '\tweb:'),
      expected: ['3:1  a tab indents this line; YAML wants spaces'],
    },
    {
      name: 'a quote that does not end',
      text: TEN_LINES.replace('./build', '"./build'),
      expected: ['4:15  the quote that opens here is never closed'],
    },
    {
      name: 'a second document',
      text: `${TEN_LINES}---\nversion: 1\n`,
      expected: ['10:1  a second document begins here; a configuration is one, remove the line "---"'],
    },
    {
      name: 'a tag',
      text: TEN_LINES.replace('3000', '!port 3000'),
      expected: [
        '5:46  a tag that is not known; values here need no tag, remove it',
        '5:52 services.web.run.port expected a whole number from 1 to 65535, found "3000"; take the quotes away',
      ],
    },
    {
      name: 'a key twice',
      text: TEN_LINES.replace('    health:', '    artifact: ./other\n    health:'),
      expected: ['6:5 services.web.artifact "artifact" is given twice, first on line 4; keep one of them'],
    },
    {
      name: 'a key twice in an overlay',
      text: `${TEN_LINES}    target: {}\n`,
      expected: ['10:5 environments.local.target "target" is given twice, first on line 9; keep one of them'],
    },
    {
      name: 'a map as a key',
      text: TEN_LINES.replace('artifact:', '? { a: b }\n    : c\n    artifact:'),
      expected: ['4:7 services.web a key has to be a plain name'],
    },
    {
      name: 'a number that is infinite',
      text: TEN_LINES.replace('3000', '.inf'),
      expected: [
        '5:46 services.web.run.port not a finite number; write its digits, or put it in quotes where text is meant',
      ],
    },
    {
      name: 'an alias without its anchor',
      text: TEN_LINES.replace('./build', '*built'),
      expected: ['4:15 services.web.artifact the alias *built names no anchor above it; write the value out'],
    },
    {
      name: 'merge keys',
      text: TEN_LINES.replace('version: 1', 'version: 1\n<<: {}'),
      expected: [
        '2:1 << unknown key; merge keys are not read: write the values out, or put what differs into an environment',
      ],
    },
    { name: '%YAML 1.1', text: `%YAML 1.1\n---\n${TEN_LINES.replace('./build', 'no')}`, expected: [] },
  ])('is told when it has $name', ({ text, expected }) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s wherever it stands', (key) => {
    const text = TEN_LINES.replace('health:', `env: { ${key}: x, A: y }\n    health:`);

    expect(problemsOf(text)).toEqual([`6:12 services.web.env.${key} "${key}" cannot be a key; take another name`]);
    expect(problemsOf(`${key}: 1\n${TEN_LINES}`)).toEqual([`1:1 ${key} "${key}" cannot be a key; take another name`]);
  });

  it('advises quotes for a substitution in braces, and goes on reading', () => {
    const text = TEN_LINES.replace('3000', '${PORT}')
      .replace('[node, server.js]', '[node, ${MAIN:-a, b}]')
      .replace('/healthz', 'x');

    expect(problemsOf(`variables: [PORT, MAIN]\n${text}`, { variables: { PORT: '1' } })).toEqual([
      '6:28  put it in quotes: inside { } and [ ] YAML reads the braces of ${MAIN:-a, b} itself',
      '6:50  put it in quotes: inside { } and [ ] YAML reads the braces of ${PORT} itself',
      '7:21 services.web.health.path expected text that begins with "/", found "x"',
    ]);
  });

  it('stops at alias bombs', () => {
    const [problem, ...rest] = problemsOf(bomb).filter((line) => !line.includes('unknown key'));

    expect(problem).toMatch(/missing|more than 10000 keys/);
    expect([problem, ...rest].join('\n')).toContain(
      'the file has more than 10000 keys and values once its aliases are followed; take some out',
    );
  });

  it('sees an alias inside of what it names', () => {
    expect(problemsOf(TEN_LINES.replace('[node, server.js]', '&loop [node, *loop]'))[0]).toBe(
      '5:34 services.web.run.command[1] the alias *loop stands inside of what it names; write the value out',
    );
  });

  it.each([
    { name: 'brackets', text: '['.repeat(60_000) },
    { name: 'braces', text: '{a: '.repeat(16_000) },
    { name: 'indentation', text: Array.from({ length: 340 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n') },
    { name: 'dashes', text: '- '.repeat(30_000) },
  ])('survives a file that nests deep: $name', ({ text }) => {
    const result = load(text);

    expect(result.ok).toBe(false);
    expect(!result.ok && result.problems[0]?.line).toBeGreaterThanOrEqual(1);
  });

  it('limits the depth of values that may be anything', () => {
    const deep = `${'['.repeat(60)}${']'.repeat(60)}`;
    const text = `${TEN_LINES}validate: { checks: { one: { kind: http, method: POST, path: /, body: ${deep} } } }\n`;

    expect(problemsOf(text)[0]).toContain('nested more than 40 levels deep; take out levels');
    expect(loaded(text.replace(deep, '[[[1]]]')).ok).toBe(true);
  });
});
