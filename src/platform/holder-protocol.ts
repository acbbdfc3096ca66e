import type { DetachedCommand, ExitStatus, ProcessId } from './processes.ts';

/** What is said over the local socket of a socket holder: one line of JSON for each question and each answer. */
export type HolderRequest =
  | { readonly ask: 'who' | 'held' }
  | { readonly ask: 'end' }
  | { readonly ask: 'hold'; readonly name: string; readonly address: string; readonly port: number }
  | { readonly ask: 'start'; readonly command: DetachedCommand; readonly sockets: readonly string[] }
  | { readonly ask: 'exit'; readonly id: ProcessId }
  | { readonly ask: 'release'; readonly name: string };

export interface HolderReply {
  readonly id?: ProcessId;
  readonly exit?: ExitStatus;
  readonly held?: Readonly<Record<string, HeldSocket>>;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

export interface HeldSocket {
  readonly address: string;
  readonly port: number;
}
