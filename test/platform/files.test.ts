import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { systemFiles } from '../../src/platform/files.ts';
import { aFolder } from '../support/machine.ts';

it('what a killed process of the same number left half-written, as in containers, stands in nobody’s way', async () => {
  const folder = await aFolder();
  const files = systemFiles(folder);
  for (let number = 1; number <= 50; number += 1) {
    await writeFile(join(folder, `.${process.pid}-${number}.tmp`), 'half');
  }

  const created = await files.create(join(folder, 'lease.json'), 'mine');
  await files.write(join(folder, 'record.json'), 'whole');

  expect(created).toBe(true);
  expect((await files.read(join(folder, 'record.json')))?.toString()).toBe('whole');
});
