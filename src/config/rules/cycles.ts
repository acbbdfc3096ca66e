import { itemsAt } from '../tree.ts';
import { type Rule, servicesOf } from './rule.ts';

/** Services can be started in an order: `depends_on` never leads back. Each circle is told once. */
export const cycles: Rule = ({ root, tell }) => {
  const needs = new Map<string, string[]>();
  for (const [name] of servicesOf(root)) {
    const items = itemsAt(root, 'services', name, 'depends_on');
    needs.set(
      name,
      items.flatMap((item) => (item.type === 'scalar' && typeof item.value === 'string' ? [item.value] : [])),
    );
  }
  const finished = new Set<string>();
  const told = new Set<string>();

  const visit = (name: string, trail: readonly string[]): void => {
    const start = trail.indexOf(name);
    if (start >= 0) {
      const circle = trail.slice(start);
      const id = [...circle].sort().join(' ');
      if (told.has(id)) return;
      told.add(id);
      const last = circle.at(-1) ?? name;
      const index = needs.get(last)?.indexOf(name) ?? 0;
      tell(['services', last, 'depends_on', index], describe(circle, name));
      return;
    }
    if (finished.has(name)) return;
    for (const next of needs.get(name) ?? []) visit(next, [...trail, name]);
    finished.add(name);
  };
  for (const name of needs.keys()) visit(name, []);
};

function describe(circle: readonly string[], name: string): string {
  if (circle.length === 1) return `${name} depends on itself; remove it from its own list`;
  return `services wait for each other: ${[...circle, name].join(' → ')}; remove one of these`;
}
