import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { errorCode, UserError } from '../../core/errors.ts';
import type { Platform } from '../../platform/platform.ts';
import { programMissingHere } from './failures.ts';
import type { SshConnection } from './settings.ts';

/** Where ssh finds the private key while it logs in. */
export interface LentKey {
  /** The socket of an agent; undefined when ssh shall look for keys by itself. */
  readonly socket: string | undefined;
  /** Makes the agent forget the key and end. */
  takeBack(): Promise<void>;
}

/** The key of a secret is in the agent's memory for this long at most, whatever happens to us. */
const KEY_LIFETIME_S = 90;
const TIMEOUT_MS = 20_000;

/**
 * Gives the configured key to an agent of our own, over standard input, so that it is never in a file. Without a key, the
 * user's own agent is named. Throws UserError `ssh-key-unusable` when the key cannot be read.
 */
export async function lendKey(
  { key, host }: SshConnection,
  folder: string,
  { processes, files, identity, clock }: Pick<Platform, 'processes' | 'files' | 'identity' | 'clock'>,
): Promise<LentKey> {
  if (key === undefined) return { socket: identity.agentSocket, async takeBack() {} };
  const socket = join(folder, 'a');
  await files.remove(socket);
  const never = new AbortController().signal;
  // The agent ends with the command that it starts, and that one with our end of its input: nothing outlives us.
  const lifeline = new PassThrough();
  const env = identity.environment;
  const agent = processes.run(
    { argv: ['ssh-agent', '-a', socket, 'cat'], env },
    { timeoutMs: KEY_LIFETIME_S * 1000, stdin: lifeline },
    never,
  );
  let isRunning = true;
  agent
    .catch(() => {})
    .finally(() => {
      isRunning = false;
    });
  const add = (args: readonly string[], stdin?: Readable) =>
    processes.run(
      { argv: ['ssh-add', ...args], env: { ...env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never' } },
      { timeoutMs: TIMEOUT_MS, ...(stdin === undefined ? {} : { stdin }) },
      never,
    );
  const takeBack = async () => {
    await add(['-q', '-D']).catch(() => {});
    lifeline.end();
    await agent.catch(() => {});
  };
  try {
    for (let tries = 0; tries < 100 && isRunning && (await files.status(socket)) === undefined; tries += 1) {
      await clock.sleep(20, never);
    }
    const added = await add(['-q', '-t', String(KEY_LIFETIME_S), '-'], Readable.from([Buffer.from(clean(key))]));
    if (added.status !== 0) {
      throw new UserError(
        'ssh-key-unusable',
        `the private key for ${host} cannot be used: ssh does not accept it as one`,
        {
          hint: 'Give the whole text of a private key without a passphrase, from its BEGIN line to its END line.',
        },
      );
    }
  } catch (error) {
    await takeBack();
    if (errorCode(error) === 'ENOENT') throw programMissingHere('ssh-add');
    throw error;
  }
  return { socket, takeBack };
}

/** Secrets lose their last line feed and gain carriage returns on their way through forms; ssh wants neither. */
function clean(key: string): string {
  return `${key.replaceAll('\r', '').trim()}\n`;
}
