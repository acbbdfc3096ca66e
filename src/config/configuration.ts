import { z } from 'zod';
import { AlertSettings } from '../alert/settings.ts';
import { AccessSettings } from '../authorize/settings.ts';
import { BackupSettings } from '../backup/settings.ts';
import { ValidateSettings } from '../checks/settings.ts';
import { ComplianceSettings } from '../compliance/settings.ts';
import { Name } from '../core/names.ts';
import { StateSettings } from '../sources/settings.ts';
import { ReleasesSettings, Services, TargetSettings } from '../targets/settings.ts';

const VariableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected a name of letters, digits and "_"' });

/** What an environment may overlay; the whole file has the same parts and `environments`. */
const Overlayable = {
  services: Services.meta({ description: 'What is deployed, by name' }),
  state: StateSettings.prefault({}).meta({ description: 'What a rollback can bring back, by name' }),
  releases: ReleasesSettings.prefault({}),
  backup: BackupSettings.prefault({}),
  validate: ValidateSettings.prefault({}),
  compliance: ComplianceSettings.prefault({}),
  access: AccessSettings.optional().meta({ description: 'Who may do what; without it, whoever can start it may' }),
  alerts: AlertSettings.prefault({}),
} as const;

/** One environment after overlay, substitution and defaults: what every action works with. */
export const EnvironmentSettings = z.strictObject({
  ...Overlayable,
  target: TargetSettings.meta({ description: 'Where the services run' }),
});
export type EnvironmentSettings = z.infer<typeof EnvironmentSettings>;

export const FileHeader = z.strictObject({
  version: z.literal(1).meta({ description: 'Version of this format' }),
  project: Name.optional().meta({ description: 'Name of the whole; the folder of this file by default' }),
  secrets: z.array(VariableName).prefault([]).meta({ description: 'Names that ${…} may read as secrets' }),
  variables: z.array(VariableName).prefault([]).meta({ description: 'Names that ${…} may read as plain variables' }),
});

/** What a loaded configuration gives to actions. */
export interface Configuration extends EnvironmentSettings {
  readonly project: string;
  /** Name of the environment. */
  readonly environment: string;
  /** The folder of holdfast.yml: relative paths of the user start here. */
  readonly directory: string;
  /** The name of holdfast.yml in that folder. */
  readonly file: string;
  /** Values that came from secrets, by name: masked wherever they land. */
  readonly secretValues: Readonly<Record<string, string>>;
  /** Paths (`services.api.env.DATABASE_URL`) whose value holds a secret, with the names of those secrets. */
  readonly secretPaths: Readonly<Record<string, readonly string[]>>;
}
