import http from 'node:http';
import { setImmediate as afterReading } from 'node:timers/promises';

/** What a person waits for at most. */
const PATIENCE_MS = 5000;

/**
 * One client of the service. With `keepAlive` it has one connection and uses it again and again; without, each
 * request opens its own. Nothing is ever sent twice: what fails is told.
 */
export function createClient({ base, keepAlive }) {
  const agent = keepAlive ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : false;
  return {
    /**
     * Sends one request. Answers with `waitMs` and either `status` and `version` (the whole answer was read) or
     * `failure`: `timeout`, or the code of the transport's error. Never throws.
     */
    async send({ method, path, json }, token) {
      // A connection that the server closed while it lay idle is found and dropped before it is used again.
      if (keepAlive) await afterReading();
      const startedAt = performance.now();
      const body = json === undefined ? undefined : JSON.stringify(json);
      const headers = {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      };
      const outcome = await exchange(new URL(path, base), { agent, method, headers }, body);
      return { ...outcome, waitMs: performance.now() - startedAt };
    },
    close() {
      if (keepAlive) agent.destroy();
    },
  };
}

function exchange(url, options, body) {
  return new Promise((resolve) => {
    let patience;
    const end = (outcome) => {
      clearTimeout(patience);
      resolve(outcome);
    };
    const fail = (error) => end({ failure: error.code ?? 'unknown' });
    const request = http.request(url, options, (response) => {
      const chunks = [];
      response.on('error', fail);
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const version = response.headers['x-version'];
        end({ status: response.statusCode, version, body: Buffer.concat(chunks).toString() });
      });
    });
    request.on('error', fail);
    patience = setTimeout(() => {
      end({ failure: 'timeout' });
      request.destroy();
    }, PATIENCE_MS);
    request.end(body);
  });
}
