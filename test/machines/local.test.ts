import { tmpdir } from 'node:os';
import { localMachine } from '../../src/machines/local.ts';
import { silentLog } from '../../src/platform/log.ts';
import { systemPlatform } from '../../src/platform/platform.ts';
import { machineContract } from '../contracts/machine.ts';

machineContract(
  'this computer',
  async () => localMachine(systemPlatform(silentLog(), new AbortController().signal, tmpdir())),
  async () => {},
);
