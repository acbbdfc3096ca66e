import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMap, isPair, isSeq, parseDocument, stringify } from 'yaml';
import { loadConfiguration } from '../../src/config/load.ts';
import { aRequest, LONG, SECRETS, TEN_LINES } from './files.ts';

/** The promise of the loader: a configuration or clear problems, soon, whatever the bytes are. */
function keepsItsPromise(bytes: Uint8Array): void {
  const startedAt = performance.now();
  const result = loadConfiguration(aRequest('', { bytes, secrets: SECRETS }));
  const durationMs = performance.now() - startedAt;

  // The machine may be busy with other tests: what takes long on its own takes long twice.
  if (durationMs > 1000) {
    const again = performance.now();
    loadConfiguration(aRequest('', { bytes, secrets: SECRETS }));
    expect(performance.now() - again).toBeLessThan(1000);
  }
  if (result.ok) return;
  expect(result.problems.length).toBeGreaterThan(0);
  for (const { line, column, message } of result.problems) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(message).not.toBe('');
    expect(message).not.toMatch(/\n\s+at |undefined|\[object|^Invalid|^Unrecognized|^Too /);
  }
}

const encode = (text: string) => new TextEncoder().encode(text);
const words = [
  'version',
  'services',
  'web',
  'run',
  'command',
  'port',
  'kind',
  'http',
  'environments',
  'local',
  'target',
  'state',
  'alerts',
];
const odd = [
  '__proto__',
  'constructor',
  '${X}',
  '$',
  '*a',
  '&a',
  '!t',
  '- ',
  ': ',
  '#',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '|',
  '>',
  '\t',
  '\r',
  '%',
  '@',
  '`',
  '\ufeff',
  '~',
  '<<',
  '?',
  '---',
  '...',
  '\ue000',
];
const word = fc.oneof(fc.constantFrom(...words), fc.constantFrom(...odd), fc.string({ unit: 'binary', maxLength: 8 }));
const scalar = fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    scalar,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(word, tie('tree'), { maxKeys: 5 }),
  ),
}));

describe('any bytes give a configuration or clear problems', () => {
  it('for 3000 random trees', () => {
    fc.assert(
      fc.property(tree, (value) => keepsItsPromise(encode(stringify(value)))),
      { numRuns: 3000 },
    );
  });

  it('for 2000 random trees under the keys of a configuration', () => {
    const parts = fc.dictionary(
      fc.constantFrom(
        'services',
        'state',
        'validate',
        'alerts',
        'access',
        'backup',
        'releases',
        'secrets',
        'compliance',
        'environments',
      ),
      tree,
    );
    fc.assert(
      fc.property(parts, (value) =>
        keepsItsPromise(encode(stringify({ ...parseDocument(TEN_LINES).toJS(), ...value }))),
      ),
      { numRuns: 2000 },
    );
  });

  it('for 1000 random bytes and texts', () => {
    const texts = fc
      .array(fc.oneof(word, fc.constant('\n'), fc.constant(' ')), { maxLength: 60 })
      .map((all) => encode(all.join('')));
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), texts), keepsItsPromise), { numRuns: 1000 });
  });

  it('for 2000 good files with a few bytes changed', () => {
    const edits = fc.array(
      fc.record({ at: fc.nat(), remove: fc.nat({ max: 6 }), insert: fc.oneof(fc.constant(''), word) }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(TEN_LINES, LONG),
        edits,
        fc.option(fc.record({ at: fc.nat(), bit: fc.nat({ max: 7 }) })),
        (good, list, flip) => {
          const text = list.reduce<string>((now, { at, remove, insert }) => {
            const start = at % (now.length + 1);
            return now.slice(0, start) + insert + now.slice(start + remove);
          }, good);
          const bytes = encode(text);
          const index = flip === null ? -1 : flip.at % bytes.length;
          if (flip !== null && index in bytes) bytes[index] = (bytes[index] ?? 0) ^ (1 << flip.bit);
          keepsItsPromise(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('for 2000 good files with a node taken out, doubled or replaced', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(TEN_LINES, LONG),
        fc.nat(),
        fc.constantFrom('delete', 'double', 'replace'),
        tree,
        (good, pick, how, other) => {
          keepsItsPromise(encode(mutate(good, pick, how, other)));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function mutate(text: string, pick: number, how: string, other: unknown): string {
  const document = parseDocument(text);
  const places: { items: unknown[]; index: number }[] = [];
  const collect = (node: unknown): void => {
    if (!isMap(node) && !isSeq(node)) return;
    for (const [index, item] of node.items.entries()) {
      places.push({ items: node.items, index });
      collect(isPair(item) ? item.value : item);
    }
  };
  collect(document.contents);
  const place = places[pick % places.length];
  const node = place?.items[place.index];
  if (place === undefined) return text;
  if (how === 'delete') place.items.splice(place.index, 1);
  else if (how === 'double') place.items.splice(place.index, 0, node);
  else if (isPair(node)) node.value = document.createNode(other);
  else place.items[place.index] = document.createNode(other);
  return document.toString({ lineWidth: 0 });
}
