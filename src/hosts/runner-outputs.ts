/** The outputs of every action on GitHub, set on every path. */
export const OUTPUTS = {
  decision: '`proceed` or `stop`; a step whose decision is `stop` is a failed one',
  reason: 'Why, as a stable kebab-case word',
  release: 'The id of the release that it is about; empty where there is none',
  'live-version': 'The version that is live now, where the action knows it',
  summary: 'What happened, in one sentence',
  report: 'The path of the JSON report on this runner',
  record: 'A small JSON text for later jobs: decision, reason, subject, and what else of the record fits',
} as const;
export type OutputName = keyof typeof OUTPUTS;
