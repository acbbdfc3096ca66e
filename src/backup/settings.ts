import { z } from 'zod';
import { StoreSettings } from '../stores/settings.ts';

export const OnRollback = z.enum(['never', 'restore-if-migrated', 'always']);
export type OnRollback = z.infer<typeof OnRollback>;

export const BackupSettings = z.strictObject({
  store: StoreSettings.prefault({ kind: 'directory' }).meta({ description: 'Where backups are kept' }),
  keep: z
    .strictObject({
      last: z.int().min(1).prefault(5).meta({ description: 'The newest backups that stay' }),
      daily: z.int().min(0).prefault(7).meta({ description: 'Days of which the newest backup stays' }),
      weekly: z.int().min(0).prefault(4).meta({ description: 'Weeks of which the newest backup stays' }),
    })
    .prefault({}),
  on_rollback: OnRollback.prefault('restore-if-migrated').meta({
    description:
      'Whether a rollback brings the data back: never, when the release migrated it (its migrate command ran or a schema changed), or always',
  }),
});
export type BackupSettings = z.infer<typeof BackupSettings>;
