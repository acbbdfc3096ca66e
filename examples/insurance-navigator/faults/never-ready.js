/** Runs, answers, and never becomes ready. */
export default {
  routes: (routes) =>
    routes.map((route) =>
      route.path === '/readyz' ? { ...route, run: () => ({ status: 503, json: { status: 'not yet' } }) } : route,
    ),
};
