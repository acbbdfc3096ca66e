import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import type { Machine } from '../../src/machines/machine.ts';
import { systemFiles } from '../../src/platform/files.ts';
import { systemHttp } from '../../src/platform/http.ts';
import { systemIdentity } from '../../src/platform/identity.ts';
import { systemProcesses } from '../../src/platform/processes.ts';
import { systemSqlite } from '../../src/platform/sqlite.ts';

/** This computer, real in every part but the holder of sockets, which must not be needed. */
export function aMachine(temporaryRoot: string, changes: Partial<Machine> = {}): Machine {
  return {
    name: 'local',
    files: systemFiles(temporaryRoot),
    processes: systemProcesses(),
    sqlite: systemSqlite(),
    http: systemHttp(),
    holder: {
      async connect() {
        throw new Error('the holder of sockets must not be asked here');
      },
    },
    now: async () => Date.now(),
    environment: systemIdentity().environment,
    ...changes,
  };
}

const folders: string[] = [];

/** A fresh folder that is gone after the test. */
export async function aFolder(prefix = 'holdfast-test-'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
