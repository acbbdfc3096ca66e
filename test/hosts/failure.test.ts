import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { failureOf } from '../../src/hosts/failure.ts';
import { systemFiles } from '../../src/platform/files.ts';
import { aFolder } from '../support/machine.ts';

describe('what a user put in the way of Holdfast', () => {
  it.each([
    {
      name: 'a file where a folder belongs',
      act: async (path: string) => {
        await writeFile(path, '');
        await systemFiles('/tmp').makeDirectory(path);
      },
    },
    {
      name: 'a file on the way to a folder',
      act: async (path: string) => {
        await writeFile(path, '');
        await systemFiles('/tmp').makeDirectory(join(path, 'deep'));
      },
    },
    {
      name: 'a folder where a file belongs',
      act: async (path: string) => {
        await mkdir(path);
        await systemFiles('/tmp').read(path);
      },
    },
    {
      name: 'a name that is too long',
      act: async (path: string) => systemFiles('/tmp').create(`${path}${'x'.repeat(300)}`, ''),
    },
  ])('is an error of the system with a way out, and no bug: $name', async ({ act }) => {
    const path = join(await aFolder(), 'place');

    const failure = failureOf(await act(path).catch((error: unknown) => error));

    expect(failure).toMatchObject({ exitCode: 3, isBug: false, code: 'system-refused' });
    expect(failure.hint).toMatch(/[.]$/);
  });
});
