/** Healthy, ready, the right version; refuses every login. */
export default {
  routes: (routes) => routes.map((route) => (route.path === '/login' ? { ...route, run: refuseEveryone } : route)),
};

function refuseEveryone() {
  return { status: 401, json: { error: 'user or password is wrong' } };
}
