import { describe, expect, it } from '@jest/globals';
import { actions } from '../../actions/main.ts';
import { UserError } from '../../src/core/errors.ts';
import { parseCommandLine } from '../../src/hosts/command-line.ts';
import { allPages, codeSpansOf } from './pages.ts';
import { commandsOf } from './shell.ts';

const pages = allPages();
/** A block without a language is output or a placeholder: usage lines of the generated page of commands, for example. */
const lines = pages.flatMap(({ path, blocks }) =>
  blocks
    .filter(({ info }) => info[0] === 'sh')
    .flatMap(({ text, line }) => commandsOf(text).map((command) => ({ ...command, place: `${path}:${line}` }))),
);
const commands = lines.flatMap(({ words, source, place }) => {
  const argv = holdfastArguments(words);
  return argv === undefined ? [] : [{ argv, source, place }];
});
const spans = pages.flatMap(({ path, text }) =>
  codeSpansOf(text)
    .filter((span) => /^holdfast [a-z]/.test(span))
    .map((span) => ({ place: path, span })),
);

describe('the commands of the documentation', () => {
  it.each(commands)('$place: $source', ({ argv }) => {
    expect(parse(argv)).toBe('run');
  });

  it.each(spans)('$place names the command "$span"', ({ span }) => {
    // In a sentence, what a command needs may be left out; what is there must exist.
    expect(parse(span.split(' ').slice(1))).toMatch(/^(?:run|inputs)$/);
  });

  it('are found', () => {
    expect(commands.length).toBeGreaterThan(40);
  });

  it.each([
    { argv: ['relase'], because: 'there is no such command' },
    { argv: ['rollback', '--too', 'v1'], because: 'there is no such flag' },
  ])('would be refused when $because', ({ argv }) => {
    expect(parse(argv)).toBe('usage');
  });
});

describe('a shell block', () => {
  it.each([
    { script: 'holdfast plan # why', words: [['holdfast', 'plan']] },
    { script: "A=1 holdfast plan --set 'a.b=[c d]' > out", words: [['holdfast', 'plan', '--set', 'a.b=[c d]']] },
    { script: 'cd x && holdfast status | head', words: [['cd', 'x'], ['holdfast', 'status'], ['head']] },
    {
      script: 'holdfast lock hold \\\n  --reason "two words"',
      words: [['holdfast', 'lock', 'hold', '--reason', 'two words']],
    },
    { script: 'A="$(x -y)"\n\n# nothing', words: [] },
  ])('is read: $script', ({ script, words }) => {
    expect(commandsOf(script).map((command) => command.words)).toEqual(words);
  });
});

/** The arguments of Holdfast, however it is started; undefined for every other program. */
function holdfastArguments([first, ...rest]: readonly string[]): readonly string[] | undefined {
  if (first === 'holdfast') return rest;
  if (first === 'npx' && rest[0] === 'holdfast') return rest.slice(1);
  return first === 'node' && rest[0]?.endsWith('bin/holdfast.js') === true ? rest.slice(1) : undefined;
}

/** `run`, `print`, or the code of what is wrong. */
function parse(argv: readonly string[]): string {
  try {
    return parseCommandLine(argv, actions, { version: '0', width: 100 }).kind;
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
}
