import type { Strategy } from '../settings.ts';
import { quotePath, quotePattern, quoteWord } from './quote.ts';

/** Which manager runs the units: that of the computer for root, that of the user for everybody else. */
export type Scope = 'system' | 'user';

export interface ServiceUnit {
  readonly scope: Scope;
  /** For people, in `systemctl status`. */
  readonly description: string;
  /** Id of the target that the unit belongs to. */
  readonly target: string;
  readonly command: readonly string[];
  /** The folder of the release. */
  readonly directory: string;
  readonly environmentFile: string;
  /** Variables that systemd would add of its own, and that the service does not get. */
  readonly withhold: readonly string[];
  readonly logFile: string;
  readonly user: string | undefined;
  readonly stop: { readonly signal: string; readonly timeout: number };
  readonly strategy: Strategy;
  /** Socket units whose descriptors are handed over. */
  readonly sockets: readonly string[];
  /** Units of this environment that start before this one after a reboot. */
  readonly after: readonly string[];
}

/** `holdfast-shop-production-web`: what the units of a service begin with. */
export function unitBase(project: string, environment: string, service: string): string {
  return `holdfast-${project}-${environment}-${service}`;
}

/** The first process of a service has the plain name; others, and a version that runs beside another, have a number. */
export function serviceUnitName(base: string, slot: number): string {
  return slot === 1 ? `${base}.service` : `${base}.${slot}.service`;
}

export function socketUnitName(base: string, port: string): string {
  return `${base}.${port}.socket`;
}

export function gateUnitName(base: string): string {
  return `${base}.sockets.service`;
}

/**
 * The unit of one process of a release. Secrets stay out of it, because everybody may read units: they are in the
 * environment file. `env` starts the command, so that the service's own PATH and folder find it, as without systemd.
 */
export function serviceUnit(unit: ServiceUnit): string {
  const command = ['/usr/bin/env', '--', ...unit.command].map(quoteWord).join(' ');
  return ini([
    '[Unit]',
    `Description=${plain(unit.description)}`,
    // The manager of a user knows nothing of the network.
    ...(unit.scope === 'system' ? ['Wants=network-online.target'] : []),
    `After=${[...(unit.scope === 'system' ? ['network-online.target'] : []), ...unit.after].join(' ')}`,
    // A socket goes down with a service that was restarted too often, and then connections would be refused.
    ...(unit.strategy === 'socket' ? ['StartLimitIntervalSec=0'] : ['StartLimitIntervalSec=60', 'StartLimitBurst=5']),
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${command}`,
    `WorkingDirectory=${quotePath(unit.directory)}`,
    `EnvironmentFile=${quotePattern(unit.environmentFile)}`,
    `UnsetEnvironment=${unit.withhold.join(' ')}`,
    ...(unit.user === undefined ? [] : [`User=${unit.user}`]),
    ...(unit.sockets.length === 0 ? [] : [`Sockets=${unit.sockets.join(' ')}`]),
    `StandardOutput=append:${quotePath(unit.logFile)}`,
    'StandardError=inherit',
    'Restart=on-failure',
    // Long enough that the wait for health sees a crash, and how it ended, before the next try hides it.
    'RestartSec=3s',
    `KillSignal=${unit.stop.signal}`,
    `TimeoutStopSec=${unit.stop.timeout}ms`,
    'NoNewPrivileges=yes',
    '',
    '[Install]',
    `WantedBy=${startTarget(unit.scope)}`,
    '',
    ...owner(unit.target),
  ]);
}

export interface SocketUnit {
  readonly description: string;
  readonly target: string;
  readonly address: string;
  readonly port: number;
  /** What the descriptor is called in LISTEN_FDNAMES. */
  readonly name: string;
  readonly gate: string;
}

/** The unit that keeps one port open from release to release. */
export function socketUnit({ description, target, address, port, name, gate }: SocketUnit): string {
  return ini([
    '[Unit]',
    `Description=${plain(description)}`,
    '',
    '[Socket]',
    `ListenStream=${address.includes(':') ? `[${address}]` : address}:${port}`,
    `FileDescriptorName=${name}`,
    'Backlog=4096',
    `Service=${gate}`,
    '',
    '[Install]',
    'WantedBy=sockets.target',
    '',
    ...owner(target),
  ]);
}

export interface GateUnit {
  readonly scope: Scope;
  readonly description: string;
  readonly target: string;
  readonly sockets: readonly string[];
}

/**
 * The unit that the sockets would start on traffic, and that is always active: so traffic starts nothing while a release
 * migrates data and no version may run. Connections wait in the kernel's queue instead.
 */
export function gateUnit({ scope, description, target, sockets }: GateUnit): string {
  return ini([
    '[Unit]',
    `Description=${plain(description)}`,
    `Requires=${sockets.join(' ')}`,
    `After=${sockets.join(' ')}`,
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    'ExecStart=/usr/bin/env true',
    '',
    '[Install]',
    `WantedBy=${startTarget(scope)}`,
    '',
    ...owner(target),
  ]);
}

/** True when the text is a unit that this target has written. */
export function isUnitOf(target: string, text: string): boolean {
  return text.includes(`\n${owner(target).join('\n')}\n`);
}

function startTarget(scope: Scope): string {
  return scope === 'system' ? 'multi-user.target' : 'default.target';
}

/** systemd passes over sections whose name begins with X-. */
function owner(target: string): string[] {
  return ['[X-Holdfast]', `Target=${target}`];
}

function plain(text: string): string {
  return text.replaceAll('%', '%%');
}

function ini(lines: readonly string[]): string {
  return `# Written by Holdfast; changed again with the next release.\n${lines.join('\n')}\n`;
}
