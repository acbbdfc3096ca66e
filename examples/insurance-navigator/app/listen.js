import { once } from 'node:events';

/** How many connections the kernel may keep waiting, also while no version runs (its own limit is somaxconn). */
const BACKLOG = 4096;
/** Where a passed socket stands, by the convention of LISTEN_FDS. */
const FIRST_PASSED_DESCRIPTOR = 3;

/** Listens on the socket that was passed, else on the port on loopback. Answers where, for the log. */
export async function listen(server, { hasInheritedSocket, port }) {
  server.listen(
    hasInheritedSocket
      ? { fd: FIRST_PASSED_DESCRIPTOR, backlog: BACKLOG }
      : { host: '127.0.0.1', port, backlog: BACKLOG },
  );
  await once(server, 'listening');
  const place = server.address();
  return `${place.address}:${place.port}${hasInheritedSocket ? ' (a passed socket)' : ''}`;
}
