import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from './client.js';

const RETRY_EVERY_MS = 200;

/** Somebody who is logged in. Logging in is no part of the load and is not counted. */
export function createSession({ base, user, password }) {
  const client = createClient({ base, keepAlive: false });
  let token;
  let renewal;

  async function logIn() {
    const answer = await client.send({ method: 'POST', path: '/login', json: { user, password } });
    if (answer.status !== 200) return false;
    token = JSON.parse(answer.body).token;
    return true;
  }

  return {
    token: () => token,
    /** Logs in, again and again until it works; false when it did not within this time. */
    async begin(withinMs) {
      const deadline = performance.now() + withinMs;
      while (!(await logIn())) {
        if (performance.now() > deadline) return false;
        await sleep(RETRY_EVERY_MS);
      }
      return true;
    },
    /** Logs in once more when `refused` is still the token in use; many callers at once cause one login. */
    async renew(refused) {
      if (refused !== token) return;
      renewal ??= logIn().finally(() => {
        renewal = undefined;
      });
      await renewal;
    },
  };
}
