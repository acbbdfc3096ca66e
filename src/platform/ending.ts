/** What has to be closed when the run ends: connections, agents, private folders. The host runs it last. */
export interface Ending {
  /** Keeps `close` for the end; what was opened last is closed first. */
  later(close: () => Promise<void>): void;
  /** Closes everything; one failure does not keep the others from being closed. Calling twice is safe. */
  run(): Promise<void>;
}

export function createEnding(): Ending {
  const open: (() => Promise<void>)[] = [];
  return {
    later: (close) => void open.push(close),
    async run() {
      for (const close of open.splice(0).reverse()) await close().catch(() => undefined);
    },
  };
}
