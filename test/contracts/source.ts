import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { silentLog } from '../../src/platform/log.ts';
import { takeBackup } from '../../src/sources/backup.ts';
import { readManifest } from '../../src/sources/catalog.ts';
import type { BackupRecord } from '../../src/sources/manifest.ts';
import { proveBackup } from '../../src/sources/prove.ts';
import { countWrites, planRestore, type RestoreJob, restoreBackup, unpackBackup } from '../../src/sources/restore.ts';
import type { Source } from '../../src/sources/source.ts';
import { connectStore } from '../../src/stores/registry.ts';
import type { Store } from '../../src/stores/store.ts';
import { Died, dyingFiles } from '../support/dying-files.ts';
import { aFolder, aMachine } from '../support/machine.ts';

/** A live state and what may happen to it. */
export interface LiveState {
  source(machine: Machine): Source;
  /** Everything a user could see of it, as one value. */
  look(): Promise<unknown>;
  /** Writes, adds and deletes without changing the structure. */
  write(): Promise<void>;
  /** Changes the structure; absent where the kind has none. */
  migrate?(): Promise<void>;
  /** Makes it as if it had never been there. */
  destroy(): Promise<void>;
  /** True when `aside` holds the state that `look` saw before the restore. */
  isKept(aside: string, seen: unknown): Promise<boolean>;
  /** False where being absent is not a state that can be kept (a command). */
  readonly canBeAbsent: boolean;
}

const ID = 'b-20261122T101500-4f2a';

/** What every source promises. `make` gives a filled state in a fresh place. */
export function sourceContract(name: string, make: (root: string) => Promise<LiveState>): void {
  describe(`${name} keeps the promises of a source`, () => {
    let root: string;
    let machine: Machine;
    let store: Store;
    let live: LiveState;
    beforeEach(async () => {
      root = await aFolder();
      machine = aMachine(root);
      store = connectStore({ kind: 'directory' }, { machine, root });
      live = await make(root);
    });

    const around = (source: Source, on: Machine = machine) => ({
      sources: [source],
      store,
      machine: on,
      scratch: join(root, 'scratch'),
      clock: systemClock(),
      log: silentLog().step(''),
      signal: new AbortController().signal,
    });
    const take = (source: Source): Promise<BackupRecord> =>
      takeBackup({ id: ID, project: 'p', environment: 'local', ...around(source) });
    const restoring = (source: Source, record: BackupRecord, on?: Machine): RestoreJob => ({
      ...around(source, on),
      record,
      folder: join(root, 'unpacked'),
      aside: join(root, 'aside'),
    });

    it('is proven without touching what is live, and leaves no scratch', async () => {
      const source = live.source(machine);
      const before = await live.look();

      const record = await take(source);
      const proof = await proveBackup({ record, ...around(source) });

      expect(proof).toMatchObject({ verified: true, backup: ID, entries: record.entryCount, notices: [] });
      expect(await live.look()).toEqual(before);
      expect(await readdir(join(root, 'scratch'))).toEqual([]);
      expect((await store.list('')).map((object) => object.name)).toEqual([
        `${ID}.json`,
        `${ID}.proof.json`,
        `${ID}.tar.zst`,
      ]);
    });

    it('comes back as it was noted, with the failed state kept aside and the writes counted', async () => {
      const source = live.source(machine);
      const noted = await live.look();
      const record = await take(source);
      const job = restoring(source, record);
      await unpackBackup(job, await readManifest(record.id, store));
      expect(await countWrites(job)).toMatchObject([{ count: 0 }]);
      await live.write();
      await live.migrate?.();
      const failed = await live.look();

      const [writes] = await countWrites(job);
      expect(writes?.count).toBeGreaterThan(0);
      expect(await live.look()).toEqual(failed);
      await restoreBackup(job);

      expect(await live.look()).toEqual(noted);
      expect(await live.isKept(join(root, 'aside', source.name), failed)).toBe(true);
    });

    it('changes its fingerprint with the structure and with nothing else', async () => {
      const source = live.source(machine);
      const first = await source.fingerprint();
      await live.write();
      expect(await source.fingerprint()).toBe(first);

      await live.migrate?.();

      if (live.migrate === undefined) expect(await source.fingerprint()).toBe(first);
      else expect(await source.fingerprint()).not.toBe(first);
    });

    it('does not pass verification when it is not what was backed up', async () => {
      const source = live.source(machine);
      const record = await take(source);
      const job = restoring(source, record);
      const phases = await planRestore(job);
      for (const phase of phases) await phase.run();

      await (live.migrate ?? live.write)();

      await expect(phases.at(-1)?.run()).rejects.toMatchObject({ name: 'OutsideError' });
    });

    it('comes back the second time as well, each step run twice', async () => {
      const source = live.source(machine);
      const noted = await live.look();
      const record = await take(source);
      await live.write();

      for (const phase of await planRestore(restoring(source, record))) {
        await phase.run();
        await phase.run();
      }

      expect(await live.look()).toEqual(noted);
    });

    it('comes back after an interruption at any change of the file system', async () => {
      const source = live.source(machine);
      const noted = await live.look();
      const record = await take(source);
      await live.write();
      const failed = await live.look();
      await planRestore(restoring(source, record)).then((phases) => phases[0]?.run());

      let attempts = 0;
      for (let allowed = 0; ; allowed += 1) {
        attempts += 1;
        const dying = { ...machine, files: dyingFiles(machine.files, allowed) };
        const job = restoring(live.source(dying), record, dying);
        const outcome = await restoreBackup(job).then(
          () => 'done',
          (error: unknown) => (error instanceof Died ? 'died' : Promise.reject(error)),
        );
        if (outcome === 'done') break;
      }

      expect(attempts).toBeGreaterThan(3);
      expect(await live.look()).toEqual(noted);
      expect(await live.isKept(join(root, 'aside', source.name), failed)).toBe(true);
      await restoreBackup(restoring(source, record));
      expect(await live.look()).toEqual(noted);
    });

    it('brings back nothing where nothing was, or takes no backup of nothing', async () => {
      await live.destroy();
      const source = live.source(machine);
      if (!live.canBeAbsent) {
        await expect(take(source)).rejects.toThrow();
        expect(await store.list('')).toEqual([]);
        return;
      }
      const noted = await live.look();
      const record = await take(source);
      await proveBackup({ record, ...around(source) });
      const filled = await make(join(root, 'other'));
      await copyState(filled, live, root);
      expect(await live.look()).not.toEqual(noted);

      await restoreBackup(restoring(source, record));
      await restoreBackup(restoring(source, record));

      expect(await live.look()).toEqual(noted);
    });

    async function copyState(_filled: LiveState, _live: LiveState, to: string): Promise<void> {
      await mkdir(to, { recursive: true });
      await cp(join(to, 'other', 'state'), join(to, 'state'), { recursive: true });
      await rm(join(to, 'other'), { recursive: true });
    }
  });
}
