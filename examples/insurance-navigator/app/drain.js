import net from 'node:net';

/** A connection that has been quiet for this long after its last answer has most likely nothing more to ask. */
const QUIET_MS = 300;
/** One that never asked anything may still be about to: its client may have waited in the kernel's queue. */
const UNUSED_QUIET_MS = 1000;
const LOOK_EVERY_MS = 25;

/**
 * On SIGTERM or SIGINT: takes no more connections, finishes every request on those that are open, and calls
 * `onDrained` when none is left or `graceMs` are over. No request is reset while a client asks at least every 300 ms.
 */
export function drainOnSignal(server, { graceMs, onDrained }) {
  const connections = new Map();
  let draining = false;

  server.on('connection', (socket) => {
    connections.set(socket, { open: 0, asked: false, bytesRead: 0, quietSince: performance.now() });
    socket.once('close', () => connections.delete(socket));
  });

  // Before the application's own listener, which may answer at once.
  server.prependListener('request', (request, response) => {
    const connection = connections.get(request.socket);
    connection.open += 1;
    connection.asked = true;
    // Read when the headers are written, so that an answer that began before the signal tells the client as well.
    const { writeHead } = response;
    response.writeHead = (...head) => {
      if (draining) response.shouldKeepAlive = false;
      return writeHead.apply(response, head);
    };
    response.once('close', () => {
      connection.open -= 1;
      connection.quietSince = performance.now();
    });
  });

  function drain() {
    if (draining) return;
    draining = true;
    // http.Server's own close() would also close idle keep-alive connections, under requests that are on their way.
    net.Server.prototype.close.call(server);
    const startedAt = performance.now();
    const look = () => {
      const now = performance.now();
      for (const [socket, connection] of connections) closeWhenQuiet(socket, connection, startedAt, now);
      if (connections.size > 0 && now - startedAt < graceMs) return;
      clearInterval(timer);
      onDrained();
    };
    // Timers run before sockets are read; an immediate runs after, when what had already arrived has been seen.
    const timer = setInterval(() => setImmediate(look), LOOK_EVERY_MS);
    setImmediate(look);
  }
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
}

function closeWhenQuiet(socket, connection, startedAt, now) {
  // Part of a request counts as life.
  if (socket.bytesRead !== connection.bytesRead) {
    connection.bytesRead = socket.bytesRead;
    connection.quietSince = now;
  }
  if (connection.open > 0) return;
  const quietMs = now - Math.max(connection.quietSince, startedAt);
  if (quietMs >= (connection.asked ? QUIET_MS : UNUSED_QUIET_MS)) socket.end();
}
