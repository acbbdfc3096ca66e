import { z } from 'zod';
import { duration } from '../core/duration.ts';
import { Name } from '../core/names.ts';
import { HostKey, SshConnection } from '../machines/ssh/settings.ts';

/** A program with its arguments; no shell reads it. */
export const Argv = z
  .tuple([z.string().min(1)], z.string())
  .meta({ description: 'Program and arguments, one list item each; no shell reads them' });
export type Argv = z.infer<typeof Argv>;

const Port = z.int().min(1).max(65_535);

export const CommandSettings = z.strictObject({
  command: Argv,
  timeout: duration().prefault('5m').meta({ description: 'The command is ended after this time' }),
});
export type CommandSettings = z.infer<typeof CommandSettings>;

export const Strategy = z.enum(['restart', 'socket', 'overlap']);
export type Strategy = z.infer<typeof Strategy>;

export const RunSettings = z.strictObject({
  command: Argv,
  port: Port.optional().meta({ description: 'The one port that the service listens on; it is told as PORT' }),
  ports: z
    .record(Name, Port)
    .optional()
    .meta({ description: 'Several ports by name; told as PORT_<NAME>, the first also as PORT' }),
  host: z
    .string()
    .prefault('127.0.0.1')
    .meta({ description: 'The address that the service listens on, where Holdfast probes it and binds a held socket' }),
  strategy: Strategy.prefault('restart').meta({
    description:
      'restart: stop, then start, with a gap. socket: the listening socket outlives releases, connections wait, none is lost (the service must take LISTEN_FDS). overlap: the service binds with SO_REUSEPORT and two versions run for a moment; a few resets are possible',
  }),
  two_versions_at_once: z
    .boolean()
    .prefault(false)
    .meta({ description: 'With socket: your word that the old version survives the migrations of the new one' }),
  instances: z.int().min(1).max(64).prefault(1).meta({ description: 'How many processes of this service run' }),
  supervisor: z.enum(['none', 'systemd']).prefault('none').meta({
    description:
      'none: Holdfast starts and stops the processes itself; nothing starts them after a reboot. systemd: a unit for each process, and for each held port, which also starts them after a crash or a reboot',
  }),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, { error: 'expected the name of a user of the machine' })
    .optional()
    .meta({
      description:
        'The user that the service, its migrations and `holdfast run` run as: needs the supervisor systemd and a release as root, unless it is the one who releases',
    }),
  stop: z
    .strictObject({
      signal: z
        .enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'])
        .prefault('SIGTERM')
        .meta({ description: 'What the service is asked with to end' }),
      timeout: duration().prefault('20s').meta({ description: 'After this time the process group is killed' }),
    })
    .prefault({}),
});
export type RunSettings = z.infer<typeof RunSettings>;

export const HealthSettings = z.strictObject({
  path: z.string().startsWith('/').optional().meta({ description: 'Answers 2xx when the service can work' }),
  port: Name.optional().meta({ description: 'The name of the port to ask; the first one by default' }),
  interval: duration().prefault('500ms').meta({ description: 'Time between two questions' }),
  streak: z.int().min(1).max(100).prefault(3).meta({ description: 'How many good answers in a row count as healthy' }),
  timeout: duration().prefault('60s').meta({ description: 'Not healthy after this time is a failure' }),
  request_timeout: duration().prefault('5s').meta({ description: 'An answer that takes longer is none' }),
  alive: duration()
    .prefault('10s')
    .meta({ description: 'Without a path: healthy when the same process still runs after this time' }),
  version: z
    .strictObject({
      path: z.string().startsWith('/').meta({ description: 'Answers with the version that runs' }),
      json: z.string().startsWith('$.').optional().meta({
        description: 'Where in a JSON answer the version stands, like $.version; without it the whole text counts',
      }),
    })
    .optional()
    .meta({ description: 'Must answer with the version that was released' }),
});
export type HealthSettings = z.infer<typeof HealthSettings>;

/** Below the folder of the file, and no pattern: what lies elsewhere, or is found by luck, is not kept. */
const PathBelow = z.string().regex(/^(?!(?:.*\/)?(?:\.{0,2}|\.git)(?:\/|$))[^~#!*?[\]\\\r\n-][^*?[\]\\\r\n]*$/, {
  error:
    'expected a path below the folder of this file, without "..", ".git", "*", "?", "[", "]" or a "~" or "-" at its beginning',
});

export const BuildCacheSettings = z.strictObject({
  paths: z.array(PathBelow).min(1).meta({ description: 'Folders that a later build begins with' }),
  key: z
    .array(PathBelow)
    .min(1)
    .meta({ description: 'Files that decide what belongs there: when one of them changes, nothing is taken over' }),
});
export type BuildCacheSettings = z.infer<typeof BuildCacheSettings>;

export const ServiceSettings = z.strictObject({
  artifact: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'A folder, .tar, .tar.gz or .tar.zst, relative to this file' }),
  build: z
    .strictObject({
      command: Argv,
      output: z.string().min(1).meta({ description: 'What the command leaves: the artifact' }),
      timeout: duration().prefault('15m').meta({ description: 'The build is ended after this time' }),
      cache: BuildCacheSettings.optional().meta({
        description: 'What the GitHub action build keeps for later runs; nothing else reads it',
      }),
    })
    .optional(),
  run: RunSettings.meta({ description: 'How the service is started and stopped' }),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected a name of letters, digits and "_"' }),
      z.string(),
    )
    .prefault({})
    .meta({ description: 'Environment variables of the service' }),
  shared: z
    .array(z.string().min(1))
    .prefault([])
    .meta({ description: 'Folders that outlive releases, linked into each one' }),
  migrate: CommandSettings.optional().meta({
    description: 'Runs in the new release before it starts, with the environment of the service and as its user',
  }),
  health: HealthSettings.prefault({}),
  depends_on: z.array(Name).prefault([]).meta({ description: 'Services that start before this one' }),
});
export type ServiceSettings = z.infer<typeof ServiceSettings>;

export const DirectoryTarget = z.strictObject({
  kind: z.literal('directory'),
  path: z.string().min(1).meta({
    description: 'The root folder of this environment; ~ is your home, other paths are relative to this file',
  }),
});
export type DirectoryTarget = z.infer<typeof DirectoryTarget>;

export const SshTarget = z.strictObject({
  kind: z.literal('ssh'),
  hosts: z.array(SshConnection.shape.host).min(1).max(100).meta({
    description:
      'The hosts, by name or address. The first is the seat: lease, capsules and store lie there; migrations and state run there',
  }),
  path: z
    .string()
    .regex(/^[/~]/, { error: 'expected an absolute path of the hosts, or one that begins with "~"' })
    .meta({ description: 'The root folder of this environment on each host' }),
  user: SshConnection.shape.user,
  port: SshConnection.shape.port,
  host_keys: z.record(z.string(), z.array(HostKey).min(1)).optional().meta({
    description: 'Public keys by host, as "ssh-keyscan HOST" prints them; without them your own known_hosts is held to',
  }),
  key: SshConnection.shape.key,
  max_parallel: z
    .int()
    .min(1)
    .max(100)
    .prefault(1)
    .meta({ description: 'How many hosts behind the first change at once' }),
});
export type SshTarget = z.infer<typeof SshTarget>;

export const TargetSettings = z.discriminatedUnion('kind', [DirectoryTarget, SshTarget]);
export type TargetSettings = z.infer<typeof TargetSettings>;

export const ReleasesSettings = z.strictObject({
  keep: z.int().min(1).max(1000).prefault(5).meta({ description: 'Good releases that stay on the target' }),
});
export type ReleasesSettings = z.infer<typeof ReleasesSettings>;

export const Services = z.record(Name, ServiceSettings);
export type Services = z.infer<typeof Services>;

/** The ports of a service by name, in order; a single `port` is called `http`. */
export function portsOf(run: RunSettings): readonly (readonly [name: string, port: number])[] {
  const single: [string, number][] = run.port === undefined ? [] : [['http', run.port]];
  return [...single, ...Object.entries(run.ports ?? {})];
}

/** True when the old version must be gone before the new one starts. */
export function oneVersionAtATime(run: RunSettings): boolean {
  if (run.strategy === 'overlap') return false;
  return !(run.strategy === 'socket' && run.two_versions_at_once);
}
