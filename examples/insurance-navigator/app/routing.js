/** The route whose method and path fit, with what its `:name` segments stand for; undefined when there is none. */
export function matchRoute(routes, method, path) {
  const segments = path.split('/');
  for (const route of routes) {
    const params = route.method === method ? matchSegments(route.path.split('/'), segments) : undefined;
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function matchSegments(pattern, segments) {
  if (pattern.length !== segments.length) return undefined;
  const params = {};
  for (const [index, part] of pattern.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = segments[index];
    else if (part !== segments[index]) return undefined;
  }
  return params;
}
