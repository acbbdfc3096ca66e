import { describe, expect, it } from '@jest/globals';
import { parseDocument, stringify } from 'yaml';
import { environmentsOf, loadConfiguration } from '../../src/config/load.ts';
import { allPages, type FencedBlock } from './pages.ts';

const blocks = allPages().flatMap(({ path, blocks: found }) =>
  found.filter(({ info }) => info[0] === 'yaml').map((block) => ({ ...block, name: `${path}:${block.line}` })),
);
const wholes = blocks.filter(({ info }) => !info.includes('fragment'));
const fragments = blocks.filter(({ info }) => info.includes('fragment'));

describe('the YAML of the documentation', () => {
  it.each(wholes)('$name is a whole holdfast.yml that loads in each of its environments', (block) => {
    expect(problemsOf(block.text)).toEqual([]);
  });

  it.each(fragments)('$name is a part that makes a small holdfast.yml into one that loads', (block) => {
    const whole = layOver(MINIMAL, parse(block));

    expect(problemsOf(stringify(whole))).toEqual([]);
  });

  it('would be refused with a mistake in it', () => {
    const whole = layOver(MINIMAL, { services: { web: { helth: {} } } });

    expect(problemsOf(stringify(whole))).toEqual([expect.stringContaining('did you mean "health"?')]);
  });

  it('is told apart by the word after the fence', () => {
    expect(wholes.length).toBeGreaterThan(5);
    expect(fragments.length).toBeGreaterThan(10);
  });
});

/** What a page takes for granted when it shows a part: one service with a port and a health path. */
const MINIMAL = {
  version: 1,
  services: {
    web: { artifact: './build', run: { command: ['node', 'server.js'], port: 3000 }, health: { path: '/healthz' } },
  },
  environments: { local: { target: { kind: 'directory', path: '~/apps/web' } } },
};

/** Every problem and warning of every environment, as they are printed. */
function problemsOf(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  const environments = environmentsOf(bytes);
  if (environments.length === 0) return ['it names no environment'];
  const listed = (key: string) => namesIn(text, key);
  return environments.flatMap((environment) => {
    const result = loadConfiguration({
      bytes,
      file: 'holdfast.yml',
      directory: '/application',
      environment,
      secrets: Object.fromEntries(listed('secrets').map((name) => [name, secretCalled(name)])),
      // Variables of the pages that are set have a default or are a text.
      variables: Object.fromEntries(listed('variables').map((name) => [name, ''])),
      overrides: [],
    });
    const found = result.ok ? result.warnings : result.problems;
    return found.map(({ line, path, message }) => `${environment}:${line} ${path} ${message}`);
  });
}

/** A secret is any text, save for one that is the address of a webhook. */
function secretCalled(name: string): string {
  return name.endsWith('_WEBHOOK') ? 'https://hooks.example.org/services/x' : 'the value of a secret';
}

function namesIn(text: string, key: string): string[] {
  const list: unknown = parseDocument(text).toJS()?.[key];
  return Array.isArray(list) ? list.map(String) : [];
}

function parse({ text }: FencedBlock): unknown {
  const document = parseDocument(text);
  if (document.errors.length > 0) throw document.errors[0];
  return document.toJS();
}

/** Maps merge, everything else replaces: what an environment does to the file. */
function layOver(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    merged[key] = Object.hasOwn(merged, key) ? layOver(merged[key], value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
