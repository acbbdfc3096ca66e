import { z } from 'zod';

export const Actor = z.string().regex(/^(?:user:\d+|os:[^\s:]+|team:[a-z0-9-]+)$/, {
  error: 'expected "os:<login>", "user:<numeric id>" or "team:<slug>"',
});
export type Actor = z.infer<typeof Actor>;

export const Role = z.enum(['deployer', 'approver', 'restorer']);
export type Role = z.infer<typeof Role>;

export const Weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
export type Weekday = z.infer<typeof Weekday>;

const TimeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'expected a time of day like "16:00"' });

/** A time zone of the IANA database, as this Node knows it. */
export const TimeZone = z.string().refine(isTimeZone, {
  error: 'expected the name of a time zone like "Europe/Berlin" or "UTC"',
});

export const FreezeWindow = z.strictObject({
  days: z.array(Weekday).min(1).meta({ description: 'Weekdays on which no release starts' }),
  after: TimeOfDay.prefault('00:00').meta({ description: 'From this time of day on' }),
  before: TimeOfDay.optional().meta({ description: 'Until this time of day; the end of the day by default' }),
  zone: TimeZone.prefault('UTC').meta({ description: 'The time zone of days and times, like Europe/Berlin' }),
});
export type FreezeWindow = z.infer<typeof FreezeWindow>;

export const AccessSettings = z.strictObject({
  roles: z.partialRecord(Role, z.array(Actor)).prefault({}).meta({
    description: 'deployer: releases. restorer: rolls back, restores, holds. approver: approves and overrides',
  }),
  freeze: z
    .array(FreezeWindow)
    .prefault([])
    .meta({ description: 'Windows in which no release starts; a rollback may' }),
});
export type AccessSettings = z.infer<typeof AccessSettings>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
