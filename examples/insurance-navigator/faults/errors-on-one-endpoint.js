/** Answers the list of policies with 500; all else is well. */
export default {
  routes: (routes) => routes.map((route) => (isPolicyList(route) ? { ...route, run: fail } : route)),
};

function isPolicyList({ method, path }) {
  return method === 'GET' && path === '/policies';
}

function fail() {
  throw new Error('the list of policies is broken in this version');
}
