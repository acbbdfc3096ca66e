import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { explain, mayInstall, missingOf } from '../../scripts/requirements.js';

const DATABASE = { program: 'databased', packages: ['database-15', 'libdatabase'], why: 'a real database' };
const READER = { program: 'reader', packages: ['database-15'], why: 'reading it' };

describe('requirements of the tests', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-requirements-'));
  const program = join(folder, 'databased');

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are met by a program in PATH or in a folder that the requirement names', () => {
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);

    expect(missingOf([DATABASE], folder)).toEqual([]);
    expect(missingOf([{ ...DATABASE, folders: [folder] }], '/nowhere')).toEqual([]);
  });

  it('are not met by a file that cannot be run', () => {
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o644);

    // Root may read anything; execution still asks for the bit.
    expect(missingOf([DATABASE, READER], folder)).toEqual([DATABASE, READER]);
  });

  it('say what is missing, why it is needed and how to get it, each package once', () => {
    expect(explain([DATABASE, READER])).toBe(
      [
        'databased (database-15, libdatabase): needed for a real database',
        'reader (database-15): needed for reading it',
        'On Debian or Ubuntu: apt-get install database-15 libdatabase',
      ].join('\n'),
    );
  });

  it('are installed only in CI and only as root', () => {
    expect(mayInstall({ CI: '' }, 0)).toBe(false);
    expect(mayInstall({ CI: 'false' }, 0)).toBe(false);
    expect(mayInstall({ CI: 'true' }, 1000)).toBe(false);
  });
});
