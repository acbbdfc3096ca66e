import { UserError } from '../../core/errors.ts';
import type { Machine } from '../../machines/machine.ts';
import type { Manager } from './manager.ts';
import { isUnitOf } from './units.ts';

/** Says whose a unit file is that stands where one of ours shall be; undefined when the place is free or ours. */
export async function findForeign(unit: string, manager: Manager, machine: Machine): Promise<string | undefined> {
  const text = (await machine.files.read(manager.pathOf(unit)))?.toString('utf8');
  if (text === undefined || isUnitOf(manager.target.id, text)) return undefined;
  return `${manager.pathOf(unit)} on ${machine.name} belongs to another environment, or was written by somebody else`;
}

/** Writes a unit unless it stands there already. True when something was written; a foreign unit is refused. */
export async function writeUnit(unit: string, text: string, manager: Manager, machine: Machine): Promise<boolean> {
  const path = manager.pathOf(unit);
  if ((await machine.files.read(path))?.toString('utf8') === text) return false;
  const foreign = await findForeign(unit, manager, machine);
  if (foreign !== undefined) {
    throw new UserError('unit-taken', foreign, { hint: 'Give one of the two another project or environment name.' });
  }
  await machine.files.makeDirectory(manager.unitFolder);
  await machine.files.write(path, text, 0o644);
  return true;
}

/**
 * Stops units, in this order, and removes them, so that nothing starts them any more. Interrupted anywhere, it may be
 * called again; units that are gone are no error. Answers those that had to be killed.
 */
export async function removeUnits(units: readonly string[], manager: Manager, machine: Machine): Promise<string[]> {
  const before = await manager.show(units);
  const running = units.filter((unit) => (before.get(unit)?.active ?? 'inactive') !== 'inactive');
  if (running.length > 0) await manager.tell('stop', ...running);
  const after = await manager.show(running);
  const killed = running.filter((unit) => after.get(unit)?.result === 'timeout');
  for (const unit of units) {
    if ((await machine.files.status(manager.pathOf(unit))) === undefined) continue;
    await manager.tell('disable', '--no-reload', unit);
    await machine.files.remove(manager.pathOf(unit));
  }
  await manager.tell('daemon-reload');
  // A unit that failed is remembered until somebody says that it has been seen.
  if (running.length > 0) await manager.ask('reset-failed', ...running);
  return killed;
}
