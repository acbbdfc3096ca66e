import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The kernel's limit for the path of a local socket is 108 bytes, including the closing zero. */
const MAX_SOCKET_PATH_BYTES = 104;

/**
 * Another path to the same local socket, short enough for the kernel however deep its folder lies: through a
 * descriptor of the folder. It is good until `close`. A folder for temporary files would be shorter too, but two
 * commands may have different ones, and would then not find the same socket.
 */
export async function shortSocketPath(path: string): Promise<{ readonly path: string; close(): Promise<void> }> {
  if (Buffer.byteLength(path) < MAX_SOCKET_PATH_BYTES) return { path, close: async () => {} };
  const folder = await open(dirname(path), 'r');
  return { path: join('/proc/self/fd', String(folder.fd), basename(path)), close: () => folder.close() };
}
