import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
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

it.each([
  ['a whole question', '{"ask":"held"}\n'],
  ['half a question', '{"ask":"he'],
])('a holder outlives a command that is killed after %s', async (_, words) => {
  const folder = await aFolder();
  const connection = await systemHolder().connect(folder, { start: true });
  const killed = createConnection(join(folder, 'holder.sock'));
  await once(killed, 'connect');

  // Its answer is never read: the kernel resets the connection.
  killed.pause();
  await new Promise((resolve) => killed.write(words, resolve));
  await connection?.held();
  killed.destroy();
  await once(killed, 'close');

  const next = await systemHolder().connect(folder, { start: false });
  expect(next?.id).toEqual(connection?.id);
  expect(await next?.held()).toEqual({});
  await next?.end();
});

it('a holder that has said that it ends is not found any more, however soon one looks', async () => {
  const folder = await aFolder();
  for (let round = 0; round < 20; round += 1) {
    const connection = await systemHolder().connect(folder, { start: true });

    await connection?.end();

    expect(await systemHolder().connect(folder, { start: false })).toBeUndefined();
  }
});

it('a holder that ends between taking a connection and its first answer is none any more', async () => {
  const folder = await aFolder();
  const ending = createServer((client) => client.destroy()).listen(join(folder, 'holder.sock'));
  await once(ending, 'listening');

  const found = await systemHolder()
    .connect(folder, { start: false })
    .finally(() => ending.close());

  expect(found).toBeUndefined();
});
