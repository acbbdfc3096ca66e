import { join } from 'node:path';
import { z } from 'zod';
import type { Machine } from '../../machines/machine.ts';
import { readOwn } from '../directory/book.ts';
import type { Layout } from '../directory/layout.ts';

/** One process of a service under systemd. Written before its unit, removed after it. */
export const ServiceRecord = z.strictObject({
  schema: z.literal(1),
  kind: z.literal('service'),
  unit: z.string(),
  /** Which of the names of its service it has. */
  slot: z.int(),
  service: z.string(),
  number: z.int(),
  release: z.string(),
  version: z.string(),
});
export type ServiceRecord = z.infer<typeof ServiceRecord>;

/** The ports of a service that systemd keeps open. */
export const SocketsRecord = z.strictObject({
  schema: z.literal(1),
  kind: z.literal('sockets'),
  service: z.string(),
  /** The unit that keeps traffic from starting anything. */
  gate: z.string(),
  /** By name of the port. */
  sockets: z.record(z.string(), z.strictObject({ unit: z.string(), address: z.string(), port: z.int() })),
});
export type SocketsRecord = z.infer<typeof SocketsRecord>;

const UnitRecord = z.discriminatedUnion('kind', [ServiceRecord, SocketsRecord]);
type UnitRecord = z.infer<typeof UnitRecord>;

/** What this target has at systemd, in a folder of its own. */
export interface UnitBook {
  /** Of one service, or of all. */
  services(service?: string): Promise<ServiceRecord[]>;
  sockets(service?: string): Promise<SocketsRecord[]>;
  write(record: UnitRecord): Promise<void>;
  remove(record: UnitRecord): Promise<void>;
  /** Where the variables of a process lie. */
  environmentFile(unit: string): string;
}

export function unitBook({ units }: Pick<Layout, 'units'>, machine: Machine): UnitBook {
  const { files } = machine;
  const nameOf = (record: UnitRecord) => (record.kind === 'service' ? record.unit : record.gate);
  const all = async (): Promise<UnitRecord[]> => {
    const names = (await files.list(units)).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
    const records = await Promise.all(names.map((name) => readOwn(join(units, name), UnitRecord, machine)));
    return records.filter((record) => record !== undefined);
  };
  const of = (service: string | undefined) => (record: UnitRecord) =>
    service === undefined || record.service === service;
  return {
    services: async (service) =>
      (await all())
        .filter(of(service))
        .filter((record) => record.kind === 'service')
        .sort((a, b) => a.slot - b.slot),
    sockets: async (service) => (await all()).filter(of(service)).filter((record) => record.kind === 'sockets'),
    async write(record) {
      await files.makeDirectory(units, 0o700);
      await files.write(join(units, `${nameOf(record)}.json`), JSON.stringify(record), 0o600);
    },
    async remove(record) {
      await files.remove(join(units, `${nameOf(record)}.json`));
    },
    environmentFile: (unit) => join(units, `${unit}.env`),
  };
}
