import { setTimeout as sleep } from 'node:timers/promises';

const EXTRA_MS = 400;

/** Takes 400 ms longer for the list of policies; all else is well. */
export default {
  routes: (routes) =>
    routes.map((route) =>
      route.method === 'GET' && route.path === '/policies' ? { ...route, run: slowly(route.run) } : route,
    ),
};

function slowly(run) {
  return async (call) => {
    await sleep(EXTRA_MS);
    return run(call);
  };
}
