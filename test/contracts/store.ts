import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Store } from '../../src/stores/store.ts';

/** What every store promises. `make` gives an empty one. */
export function storeContract(name: string, make: () => Promise<Store>): void {
  describe(`${name} keeps the promises of a store`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await make();
    });

    it('is empty before anything was stored', async () => {
      expect(await store.list('')).toEqual([]);
    });

    it('gives back what was put, byte by byte', async () => {
      const content = randomBytes(3_000_000);

      const stored = await store.put('b-1.tar.zst', Readable.from([content.subarray(0, 10), content.subarray(10)]));

      expect(stored).toEqual({ name: 'b-1.tar.zst', sizeBytes: 3_000_000 });
      const back = await buffer(await store.open('b-1.tar.zst'));
      expect(createHash('sha256').update(back).digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
    });

    it('stores an empty object', async () => {
      await store.put('empty', Readable.from([]));

      expect(await store.list('')).toEqual([{ name: 'empty', sizeBytes: 0 }]);
      expect(await text(await store.open('empty'))).toBe('');
    });

    it('lists by prefix, sorted', async () => {
      for (const each of ['b-2.json', 'a-1.json', 'b-1.json']) await store.put(each, Readable.from(['{}']));

      expect((await store.list('b-')).map((object) => object.name)).toEqual(['b-1.json', 'b-2.json']);
      expect(await store.list('c')).toEqual([]);
    });

    it('never replaces an object', async () => {
      await store.put('one', Readable.from(['first']));

      await expect(store.put('one', Readable.from(['second']))).rejects.toMatchObject({ code: 'already-stored' });

      expect(await text(await store.open('one'))).toBe('first');
      expect(await store.list('')).toHaveLength(1);
    });

    it('lets exactly one of several writers of a name win', async () => {
      const results = await Promise.allSettled(
        ['a', 'b', 'c', 'd'].map((each) => store.put('one', Readable.from([each.repeat(1000)]))),
      );

      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'already-stored' });
      }
      expect(new Set(await text(await store.open('one'))).size).toBe(1);
    });

    it('keeps nothing of content that failed in the middle, and takes the name again', async () => {
      async function* broken() {
        yield 'the first half';
        throw new Error('the other side went away');
      }
      await expect(store.put('one', Readable.from(broken()))).rejects.toThrow('the other side went away');

      expect(await store.list('')).toEqual([]);
      await expect(store.open('one')).rejects.toMatchObject({ code: 'not-stored' });
      await store.put('one', Readable.from(['whole']));
      expect(await text(await store.open('one'))).toBe('whole');
    });

    it('does not open what is not there', async () => {
      await expect(store.open('missing')).rejects.toMatchObject({ code: 'not-stored' });
    });

    it('removes, also what is not there', async () => {
      await store.put('one', Readable.from(['x']));

      await store.remove('one');
      await store.remove('one');

      expect(await store.list('')).toEqual([]);
    });

    for (const bad of [
      '',
      '.',
      '..',
      '../outside',
      '/etc/passwd',
      'a/b',
      '.hidden',
      'a\0b',
      'ü',
      'a b',
      'x'.repeat(201),
    ]) {
      it(`refuses the name ${JSON.stringify(bad.slice(0, 20))}`, async () => {
        await expect(store.put(bad, Readable.from(['x']))).rejects.toThrow(TypeError);
        await expect(store.open(bad)).rejects.toThrow(TypeError);
        await expect(store.remove(bad)).rejects.toThrow(TypeError);
      });
    }
  });
}
