import type { z } from 'zod';
import type { Block } from '../core/action.ts';
import type { Finding } from '../core/finding.ts';
import type { Report } from '../core/report.ts';
import { cleanCode, cleanText, type Mask } from './text.ts';

type Json = z.core.util.JSONType;
type MapText = (text: string) => string;

/** What every renderer for people takes. */
export interface RenderOptions {
  /** What the action shows of its record (`present`), in order. */
  readonly blocks?: readonly Block[] | undefined;
  /** Applied to every text before it is escaped, cut or wrapped; see createMask. */
  readonly mask?: Mask | undefined;
}

/** The same report with every text sanitised, cut to a readable length and masked. The input stays as it is. */
export function cleanReport(report: Report, mask: Mask = unmasked): Report {
  return maskReport(report, (text) => cleanText(text, mask));
}

/** The same blocks with every text sanitised, cut to a readable length and masked. */
export function cleanBlocks(blocks: readonly Block[], mask: Mask = unmasked): readonly Block[] {
  return blocks.map((block) => cleanBlock(block, mask));
}

/**
 * The same report with `mask` applied to every text that can come from outside, names of members included. What the
 * contract fixes stays as it is even when a secret happens to be the same word: decisions, kebab-case reasons,
 * outcomes, and short names of members.
 */
export function maskReport(report: Report, mask: MapText): Report {
  const { subject, record } = report;
  return {
    ...report,
    action: mask(report.action),
    subject: {
      project: mask(subject.project),
      environment: mask(subject.environment),
      ...(subject.release === undefined ? {} : { release: mask(subject.release) }),
      ...(subject.version === undefined ? {} : { version: mask(subject.version) }),
    },
    reason: KEBAB.test(report.reason) ? report.reason : mask(report.reason),
    summary: mask(report.summary),
    findings: report.findings.map((finding) => maskFinding(finding, mask)),
    ...(record === undefined ? {} : { record: maskMembers(record, mask) }),
    startedAt: mask(report.startedAt),
    finishedAt: mask(report.finishedAt),
  };
}

const KEBAB = /^[a-z]{1,24}(?:-[a-z0-9]{1,24}){0,8}$/;
const MEMBER = /^[A-Za-z][A-Za-z0-9]{0,23}$/;
/** Members whose value is one of our codes, in steps of a record as in a report. */
const CODES = new Set(['decision', 'reason', 'outcome', 'layer', 'severity']);

function maskFinding(finding: Finding, mask: MapText): Finding {
  const { measured, remedy, path, references } = finding;
  return {
    ...finding,
    check: mask(finding.check),
    message: mask(finding.message),
    ...(measured === undefined ? {} : { measured: maskMeasured(measured, mask) }),
    ...(remedy === undefined ? {} : { remedy: mask(remedy) }),
    ...(path === undefined ? {} : { path: mask(path) }),
    ...(references === undefined ? {} : { references: references.map(mask) }),
  };
}

function maskMeasured(measured: NonNullable<Finding['measured']>, mask: MapText): NonNullable<Finding['measured']> {
  const entries = Object.entries(measured);
  return Object.fromEntries(
    entries.map(([key, value]) => [mask(key), typeof value === 'string' ? mask(value) : value]),
  );
}

function maskMembers(members: Readonly<Record<string, Json>>, mask: MapText): Record<string, Json> {
  const entries = Object.entries(members).map(([key, value]): [string, Json] => {
    if (CODES.has(key) && typeof value === 'string' && KEBAB.test(value)) return [key, value];
    return [MEMBER.test(key) ? key : mask(key), maskJson(value, mask)];
  });
  return Object.fromEntries(entries);
}

function maskJson(value: Json, mask: MapText): Json {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return value.map((item) => maskJson(item, mask));
  if (typeof value === 'object' && value !== null) return maskMembers(value, mask);
  return value;
}

function cleanBlock(block: Block, mask: Mask): Block {
  const text = (value: string) => cleanText(value, mask);
  switch (block.kind) {
    case 'text':
      return { kind: 'text', text: text(block.text) };
    case 'code':
      return { kind: 'code', text: cleanCode(block.text, mask) };
    case 'table':
      return { kind: 'table', columns: block.columns.map(text), rows: block.rows.map((row) => row.map(text)) };
  }
}

function unmasked(text: string): string {
  return text;
}
