import type { DetachedCommand, ExitStatus, ProcessId } from './processes.ts';

/**
 * A tiny process of its own that binds listening sockets and hands them to services, so that a socket outlives
 * releases: while no version runs, the kernel queues connections and none is refused.
 * One holder per folder; it runs until it is told to end.
 */
export interface Holder {
  /** The holder of this folder, started when there is none and `start` says so; undefined when there is none. */
  connect(folder: string, options: { start: boolean }): Promise<HolderConnection | undefined>;
}

export interface HolderConnection {
  readonly id: ProcessId;
  /** Binds a socket and keeps it; holding what is held already changes nothing. Rejects with code EADDRINUSE when somebody else has it. */
  hold(name: string, address: string, port: number): Promise<void>;
  /** Starts a service in its own session with the held sockets as descriptors 3, 4, … and LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES set. */
  start(command: DetachedCommand, sockets: readonly string[]): Promise<ProcessId>;
  /** How a service that this holder started ended; undefined while it runs or when it is unknown here. */
  exit(id: ProcessId): Promise<ExitStatus | undefined>;
  /** The held sockets by name. */
  held(): Promise<Readonly<Record<string, { address: string; port: number }>>>;
  /** Lets go of one socket. */
  release(name: string): Promise<void>;
  /** Ends the holder; services keep running. */
  end(): Promise<void>;
  close(): void;
}

export function systemHolder(): Holder {
  throw new Error('under construction in this session');
}
