import { Buffer } from 'node:buffer';
import type { Handover } from '../core/handover.ts';
import type { Report } from '../core/report.ts';
import { maskReport } from '../report/clean.ts';
import type { Mask } from '../report/text.ts';

/** What later jobs read is small; everything else is in the report, or on the target. */
const MAX_BYTES = 4096;
/** What later steps and jobs decide by is handed on however big it is: the targets of a hundred hosts are some kilobytes. */
const DECISIVE = ['call', 'targets', 'artifact', 'net', 'live', 'own', 'validation', 'untold'];
const MAX_SUMMARY = 500;
/** The end of a log may be part of it. */
const MAX_REMEDY = 1200;

/**
 * The output `record`: a `Handover` as one line of JSON without secrets. Of the record of the report it has what
 * others decide by, and of the rest the members that fit into 4 KiB, smallest first; `omitted` names the others.
 */
export function recordOutput(report: Report, mask: Mask): string {
  const {
    schema,
    action,
    subject,
    decision,
    reason,
    summary,
    findings,
    record = {},
    ...times
  } = maskReport(report, mask);
  const tookMs = Date.parse(times.finishedAt) - Date.parse(times.startedAt);
  const remedy = decision === 'stop' ? findings.find(({ outcome }) => outcome === 'fail')?.remedy : undefined;
  const head = {
    ...{ schema, action, subject, decision, reason, summary: summary.slice(0, MAX_SUMMARY), tookMs },
    ...(remedy === undefined ? {} : { remedy: remedy.slice(0, MAX_REMEDY) }),
  };
  const isDecisive = ([name]: readonly [string, unknown]) => DECISIVE.includes(name);
  const decisive = Object.fromEntries(Object.entries(record).filter(isDecisive));
  const members = Object.entries(record)
    .filter((member) => !isDecisive(member))
    .sort(([, a], [, b]) => sizeOf(a) - sizeOf(b));
  for (let kept = members.length; kept >= 0; kept -= 1) {
    const omitted = members.slice(kept).map(([name]) => name);
    const handover: Handover = { ...head, record: { ...decisive, ...Object.fromEntries(members.slice(0, kept)) } };
    const text = JSON.stringify({ ...handover, ...(omitted.length === 0 ? {} : { omitted: omitted.slice(0, 20) }) });
    if (kept === 0 || Buffer.byteLength(text) <= MAX_BYTES) return text;
  }
  throw new Error('there is always a last try');
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
