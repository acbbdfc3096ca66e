import { Buffer } from 'node:buffer';
import type { Report } from '../core/report.ts';
import { maskReport } from '../report/clean.ts';
import type { Mask } from '../report/text.ts';

/** What later jobs read is small; everything else is in the report, or on the target. */
const MAX_BYTES = 4096;

/**
 * The output `record`: the report without findings, with the members of its record that fit, smallest first; `omitted`
 * names the others. One line of JSON of at most 4 KiB without secrets.
 */
export function recordOutput(report: Report, mask: Mask): string {
  const { schema, action, subject, decision, reason, record = {} } = maskReport(report, mask);
  const head = { schema, action, subject, decision, reason };
  const members = Object.entries(record).sort(([, a], [, b]) => sizeOf(a) - sizeOf(b));
  for (let kept = members.length; kept >= 0; kept -= 1) {
    const omitted = members.slice(kept).map(([name]) => name);
    const text = JSON.stringify({
      ...head,
      record: Object.fromEntries(members.slice(0, kept)),
      ...(omitted.length === 0 ? {} : { omitted: omitted.slice(0, 20) }),
    });
    if (Buffer.byteLength(text) <= MAX_BYTES) return text;
  }
  return JSON.stringify({ schema, action, decision, reason });
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
