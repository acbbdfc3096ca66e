import { tmpdir } from 'node:os';
import { afterAll } from '@jest/globals';
import { type SshMachine, sshMachine } from '../../src/machines/ssh/ssh-machine.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { machineContract } from '../contracts/machine.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

let sshd: Promise<Sshd> | undefined;
const machines: SshMachine[] = [];

machineContract(
  'a computer over ssh',
  async () => {
    sshd ??= startSshd();
    const platform = systemPlatform(silentLog(), new AbortController().signal, tmpdir());
    const machine = await sshMachine((await sshd).settings, platform);
    machines.push(machine);
    return machine;
  },
  async () => {},
);

afterAll(async () => {
  for (const machine of machines) await machine.close();
  await (await sshd)?.stop();
});
