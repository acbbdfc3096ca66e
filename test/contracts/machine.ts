import type { Machine } from '../../src/machines/machine.ts';
import { machineFilesContract } from './machine-files.ts';
import { machineHolderContract } from './machine-holder.ts';
import { machineHttpContract } from './machine-http.ts';
import { machineProcessesContract } from './machine-processes.ts';
import { machineSqliteContract } from './machine-sqlite.ts';

/** What every machine promises. `make` gives one that shares the file system of this computer, `end` takes it back. */
export function machineContract(
  name: string,
  make: () => Promise<Machine>,
  end: (machine: Machine) => Promise<void>,
): void {
  machineFilesContract(name, make, end);
  machineProcessesContract(name, make, end);
  machineSqliteContract(name, make, end);
  machineHttpContract(name, make, end);
  machineHolderContract(name, make, end);
}
