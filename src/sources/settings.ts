import { z } from 'zod';
import { Name } from '../core/names.ts';
import { CommandSettings } from '../targets/settings.ts';

const Relative = z.string().min(1).meta({
  description:
    'With `service`, below its shared folder; without, an absolute path or one relative to the root of the environment',
});

export const FilesSource = z.strictObject({
  kind: z.literal('files'),
  service: Name.optional().meta({ description: 'The service whose shared folder the path starts in' }),
  path: Relative,
  exclude: z
    .array(z.string().min(1))
    .prefault([])
    .meta({ description: 'Globs below the path that are left out and left alone' }),
});
export type FilesSource = z.infer<typeof FilesSource>;

export const SqliteSource = z.strictObject({
  kind: z.literal('sqlite'),
  service: Name.optional().meta({ description: 'The service whose shared folder the path starts in' }),
  path: Relative,
});
export type SqliteSource = z.infer<typeof SqliteSource>;

export const CommandSource = z.strictObject({
  kind: z.literal('command'),
  scratch: z.boolean().prefault(false).meta({
    description:
      'Your word that restore, fingerprint and cleanup obey HOLDFAST_INTO=scratch. Without it they are never run for scratch, and so the backup cannot be proven',
  }),
  dump: CommandSettings.meta({ description: 'Writes the state to its standard output' }),
  restore: CommandSettings.meta({
    description:
      'Reads a dump on its standard input. HOLDFAST_INTO is "scratch" or "live"; into scratch it uses HOLDFAST_SCRATCH (an empty folder) or HOLDFAST_SCRATCH_NAME (a name that is free to use) and leaves the live state alone',
  }),
  fingerprint: CommandSettings.meta({
    description:
      'Prints a text that changes when the structure of the state changes (not with each row), for HOLDFAST_INTO as above',
  }),
  count: CommandSettings.optional().meta({
    description: 'Prints a whole number that grows with each write, by which writes since the backup are counted',
  }),
  cleanup: CommandSettings.optional().meta({ description: 'Removes what a restore into scratch made' }),
  env: z
    .record(z.string(), z.string())
    .prefault({})
    .meta({ description: 'Environment variables of these commands, besides PATH, HOME, LANG and TZ' }),
});
export type CommandSource = z.infer<typeof CommandSource>;

export const SourceSettings = z.discriminatedUnion('kind', [FilesSource, SqliteSource, CommandSource]);
export type SourceSettings = z.infer<typeof SourceSettings>;

export const StateSettings = z.record(Name, SourceSettings);
export type StateSettings = z.infer<typeof StateSettings>;
