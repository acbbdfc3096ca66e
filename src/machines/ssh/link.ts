import { join } from 'node:path';
import type { Platform } from '../../platform/platform.ts';
import type { Command } from '../../platform/processes.ts';
import { connectionLost, notConnected } from './failures.ts';
import { lendKey } from './key.ts';
import type { SshConnection } from './settings.ts';
import { keepShell, type Shell } from './shell.ts';
import { START } from './start.ts';

export type LinkPlatform = Pick<Platform, 'clock' | 'files' | 'identity' | 'processes' | 'random'>;

/** One living connection: ssh's control connection, with a shell of ours as its first session. */
export interface Link {
  readonly shell: Shell;
  /** Becomes true when the connection has ended. */
  isOver(): boolean;
  /** The ssh that runs a command line of the login shell over this connection, and never over another one. */
  over(commandLine: string, options?: readonly string[]): Command;
  /** Asks the control connection for something (`forward`, `cancel`); the exit status. */
  control(
    request: string,
    args: readonly string[],
  ): Promise<{ readonly status: number | undefined; readonly stderr: string }>;
}

/** A login that takes longer than this will not come: name look-up, greeting, keys and first answer together. */
const LOGIN_TIMEOUT_MS = 40_000;
const CONNECT_TIMEOUT_S = 10;
/** A dead connection is noticed after three questions without an answer. */
const ALIVE_INTERVAL_S = 5;
const ALIVE_QUESTIONS = 3;
/** The name under which the host keys stand in our own list: address and port play no part in it. */
const ALIAS = 'holdfast-host';

/** Connects. `folder` is private and short; its content belongs to this connection alone. */
export async function openLink(settings: SshConnection, folder: string, platform: LinkPlatform): Promise<Link> {
  const { files, identity, clock } = platform;
  const knownHosts = join(folder, 'hosts');
  const keys = settings.host_keys ?? [];
  await files.write(knownHosts, keys.map((key) => `${ALIAS} ${key}\n`).join(''), 0o600);
  const path = join(folder, 'c');
  await files.remove(path);
  const key = await lendKey(settings, folder, platform);
  const env = { ...identity.environment };
  const first = keepShell(
    { argv: ['ssh', ...optionsOf(settings, path, knownHosts, key.socket), '-M', '--', settings.host, START], env },
    (said) => connectionLost(settings.host, said),
    platform,
  );
  let isOver = false;
  const ended = first.ended.then((said) => {
    isOver = true;
    return said;
  });
  const waiting = new AbortController();
  const late = clock.sleep(LOGIN_TIMEOUT_MS, waiting.signal).then(
    () => first.end(),
    () => undefined,
  );
  try {
    await first.ask(':');
  } catch {
    throw notConnected(settings.host, await ended);
  } finally {
    waiting.abort();
    await late;
    await key.takeBack();
  }
  // Without the control connection ssh would log in anew; a proxy that fails at once makes that impossible.
  const ssh = [
    'ssh',
    '-F',
    'none',
    '-S',
    escapePercent(path),
    '-o',
    'ProxyCommand=false',
    '-o',
    'LogLevel=ERROR',
  ] as const;
  return {
    shell: first,
    isOver: () => isOver,
    over: (commandLine, options = ['-T']) => ({ argv: [...ssh, ...options, '--', settings.host, commandLine], env }),
    async control(request, args) {
      const argv = [...ssh, '-O', request, ...args, '--', settings.host] as const;
      const options = { timeoutMs: LOGIN_TIMEOUT_MS };
      return platform.processes.run({ argv, env }, options, new AbortController().signal);
    },
  };
}

function optionsOf(settings: SshConnection, path: string, knownHosts: string, agent: string | undefined): string[] {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'VerifyHostKeyDNS=no',
    'PreferredAuthentications=publickey',
    `ConnectTimeout=${CONNECT_TIMEOUT_S}`,
    `ServerAliveInterval=${ALIVE_INTERVAL_S}`,
    `ServerAliveCountMax=${ALIVE_QUESTIONS}`,
    'ControlPersist=no',
    'ForwardAgent=no',
    'ForwardX11=no',
    // Below this level ssh keeps to itself why a connection ended.
    'LogLevel=INFO',
  ];
  if (settings.host_keys !== undefined) {
    options.push(`UserKnownHostsFile="${escapePercent(knownHosts)}"`, 'GlobalKnownHostsFile=/dev/null');
    options.push(`HostKeyAlias=${ALIAS}`);
  }
  if (agent !== undefined) options.push(`IdentityAgent="${escapePercent(agent)}"`);
  // With a key of the configuration no other key of this computer is offered.
  if (settings.key !== undefined) options.push('IdentityFile=none');
  return [
    // The user's own configuration of ssh would make the same file reach another host on another computer.
    ...['-F', 'none', '-T', '-S', escapePercent(path), '-p', String(settings.port)],
    ...(settings.user === undefined ? [] : ['-l', settings.user]),
    ...options.flatMap((option) => ['-o', option]),
  ];
}

/** ssh replaces `%h` and the like in paths. */
function escapePercent(path: string): string {
  return path.replaceAll('%', '%%');
}
