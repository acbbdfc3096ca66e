import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { systemHolder } from '../../src/platform/holder.ts';
import { aFolder } from '../support/machine.ts';

it('a holder that does not answer, as one that was stopped, is an error and not a wait without end', async () => {
  const folder = await aFolder();
  const silent = createServer((client) => client.resume()).listen(join(folder, 'holder.sock'));
  await new Promise((resolve) => silent.once('listening', resolve));

  const connecting = systemHolder(200).connect(folder, { start: false });

  await expect(connecting).rejects.toMatchObject({ code: 'holder-silent' });
  await new Promise((resolve) => silent.close(resolve));
});
