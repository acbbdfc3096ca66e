// Runs one benchmark: `npm run bench -- NAME [--quick]`. Its table goes into docs/performance.md; the last line is for scripts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Measured } from './measured.ts';
import { startup } from './startup.ts';
import { workflow } from './workflow.ts';

const BENCHMARKS: Readonly<Record<string, (options: { quick: boolean }) => Promise<Measured>>> = { startup, workflow };
const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true });
const name = positionals[0] ?? '';
const run = BENCHMARKS[name];
if (run === undefined) {
  console.error(`There is no benchmark "${name}". There are: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}
const { ratio, goal, text } = await run({ quick: values.quick === true });
console.log(text);
// A quick run is for the one who asks; the page keeps what was measured with care.
if (values.quick !== true) writeFileSync(PAGE, withSection(name, text));
console.log(`bench ${name}: ratio=${ratio.toFixed(2)} goal=${goal}`);

/** The page with `content` as the section of this benchmark. */
function withSection(section: string, content: string): string {
  const begin = `<!-- bench ${section} -->`;
  const end = `<!-- end of bench ${section} -->`;
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '# Performance\n';
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  const whole = `${begin}\n\n${content}\n\n${end}`;
  if (from < 0 || to < 0) return `${page.trimEnd()}\n\n${whole}\n`;
  return `${page.slice(0, from)}${whole}${page.slice(to + end.length)}`;
}
