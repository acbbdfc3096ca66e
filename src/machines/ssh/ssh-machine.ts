import type { Platform } from '../../platform/platform.ts';
import type { Machine } from '../machine.ts';
import { openConnection } from './connection.ts';
import { serverError } from './failures.ts';
import { probe } from './probe.ts';
import { remoteFiles } from './remote-files.ts';
import { remoteHolder } from './remote-holder.ts';
import { remoteHttp } from './remote-http.ts';
import { remoteProcesses } from './remote-processes.ts';
import { remoteSqlite } from './remote-sqlite.ts';
import type { SshConnection } from './settings.ts';

export interface SshMachine extends Machine {
  /** Ends the connection. What was started detached keeps running. Calling twice is safe. */
  close(): Promise<void>;
}

type Slice = Pick<Platform, 'clock' | 'files' | 'holder' | 'http' | 'identity' | 'processes' | 'random'>;

/**
 * A computer that is reached by this computer's `ssh`. Connects, and throws when it cannot be reached
 * (`host-unreachable`, `host-key-refused`, `host-login-refused`, `ssh-key-unusable`) or lacks programs
 * (`programs-missing`). A connection that breaks later fails what is under way with `connection-lost`; the next call
 * connects again. Must be closed.
 */
export async function sshMachine(settings: SshConnection, platform: Slice): Promise<SshMachine> {
  const connection = openConnection(settings, platform);
  const close = () => connection.close();
  try {
    const environment = await probe(connection);
    const files = remoteFiles(connection);
    const processes = remoteProcesses(connection);
    const isListening = async (port: number) => (await processes.listeners(port)).listening;
    return {
      name: settings.host,
      files,
      processes,
      sqlite: remoteSqlite(connection),
      holder: remoteHolder({ connection, files, processes, own: platform.holder, environment }),
      http: remoteHttp(connection, platform.http, isListening),
      async now() {
        const { status, stdout, stderr } = await connection.ask('date +%s%N');
        if (status !== 0) throw serverError(settings.host, 'reading', 'the clock', stderr);
        return Number(stdout.toString().trim().slice(0, -6));
      },
      environment,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
