import { describe, expect, it } from '@jest/globals';
import { assessCompliance, CONTROLS, type ComplianceEvidence, explainControl } from '../../src/compliance/assess.ts';
import type { Framework } from '../../src/compliance/settings.ts';

const BACKUP = 'b-20260101T000000-0000';
const COUNTS = { pass: 31, warn: 1, fail: 0, skipped: 2, unknown: 0 };

/** A run in which everything was seen and nothing is wrong. */
function anEvidence(changes: Partial<ComplianceEvidence> = {}): ComplianceEvidence {
  return {
    phase: 'after',
    hasState: true,
    backup: { id: BACKUP },
    proof: { backup: BACKUP, verified: true, restoreMs: 640 },
    authorisation: { decision: 'proceed', reason: 'allowed', role: 'deployer' },
    artifacts: [{ service: 'api', expected: 'aa11', actual: 'aa11' }],
    modes: [
      { path: '/srv/shop/.holdfast', mode: 0o700 },
      { path: '/srv/shop/.holdfast/holder/holder.js', mode: 0o644 },
    ],
    validation: COUNTS,
    ...changes,
  };
}

/** The same run, of which one thing was not seen. */
function without(key: 'backup' | 'proof'): ComplianceEvidence {
  const { backup, proof: _, ...rest } = anEvidence();
  return key === 'backup' ? rest : { ...rest, ...(backup === undefined ? {} : { backup }) };
}

function judge(framework: Framework, evidence: ComplianceEvidence): string {
  const { decision, reason, findings } = assessCompliance(evidence, { frameworks: [framework] });
  return [`${decision} ${reason}`, ...findings.map(({ outcome, message }) => `${outcome}: ${message}`)].join(' | ');
}

describe('hipaa-164.308.a.7.ii.A', () => {
  it.each([
    {
      name: 'a proven backup',
      evidence: anEvidence(),
      expected: `proceed nothing-against | pass: Data backup plan: the backup ${BACKUP} of this release was restored into scratch and every digest was equal`,
    },
    {
      name: 'no state',
      evidence: anEvidence({ hasState: false }),
      expected:
        'proceed nothing-against | skipped: Data backup plan: no state is configured, so there was nothing to back up',
    },
    {
      name: 'no backup',
      evidence: without('backup'),
      expected: 'stop control-failed | fail: Data backup plan: this release has state and took no backup of it',
    },
    {
      name: 'a backup without proof',
      evidence: without('proof'),
      expected: `stop control-failed | fail: Data backup plan: the backup ${BACKUP} was taken, but nothing proves that it restores`,
    },
    {
      name: 'the proof of another backup',
      evidence: anEvidence({ proof: { backup: 'b-other', verified: true, restoreMs: 1 } }),
      expected: `stop control-failed | fail: Data backup plan: the backup ${BACKUP} was taken, but nothing proves that it restores`,
    },
    {
      name: 'an override',
      evidence: anEvidence({ withoutProof: 'the disk is full' }),
      expected:
        'stop control-failed | fail: Data backup plan: this release went on without a proof that its backup restores (reason given: the disk is full)',
    },
    {
      name: 'the phase before, when there is no backup to judge yet',
      evidence: anEvidence({ phase: 'before' }),
      expected:
        'proceed nothing-against | skipped: Data backup plan: judged once the backup of this release has been taken and restored',
    },
    {
      name: 'the phase before, when somebody wants to do without a proof',
      evidence: anEvidence({ phase: 'before', withoutProof: 'no time' }),
      expected: expect.stringMatching(/^stop control-failed .*would go on without a proof/),
    },
  ])('judges $name', ({ evidence, expected }) => {
    expect(judge('hipaa', evidence)).toEqual(expected);
  });
});

describe('gdpr-32.1.b', () => {
  const own = '/srv/shop/.holdfast';

  it.each([
    {
      name: 'files that nobody else can reach',
      evidence: anEvidence(),
      expected:
        'proceed nothing-against | pass: Ongoing confidentiality of processing: none of 2 files and folders that Holdfast keeps on the target can be read by other users',
    },
    {
      name: 'an open folder with a readable file',
      evidence: anEvidence({
        modes: [
          { path: own, mode: 0o711 },
          { path: `${own}/settings`, mode: 0o711 },
          { path: `${own}/settings/r-1.json`, mode: 0o644 },
          { path: `${own}/key`, mode: 0o600 },
        ],
      }),
      expected: `stop control-failed | fail: Ongoing confidentiality of processing: other users of the machine can read ${own}/settings/r-1.json (mode 0644)`,
    },
    {
      name: 'a shut folder inside of an open one',
      evidence: anEvidence({
        modes: [
          { path: own, mode: 0o711 },
          { path: `${own}/store`, mode: 0o700 },
          { path: `${own}/store/b`, mode: 0o644 },
          { path: `${own}/stored`, mode: 0o604 },
        ],
      }),
      expected: `stop control-failed | fail: Ongoing confidentiality of processing: other users of the machine can read ${own}/stored (mode 0604)`,
    },
    {
      name: 'several, naming the first',
      evidence: anEvidence({
        modes: [
          { path: own, mode: 0o755 },
          { path: `${own}/key`, mode: 0o644 },
        ],
      }),
      expected: `stop control-failed | fail: Ongoing confidentiality of processing: other users of the machine can read ${own} (mode 0755) and 1 more`,
    },
    {
      name: 'files that were not looked at',
      evidence: anEvidence({ modes: [] }),
      expected:
        'stop could-not-look | unknown: Ongoing confidentiality of processing: the files that Holdfast keeps on the target were not looked at',
    },
    {
      name: 'an empty target before the first release',
      evidence: anEvidence({ phase: 'before', modes: [] }),
      expected:
        'proceed nothing-against | skipped: Ongoing confidentiality of processing: judged once there is something of Holdfast on the target that can be seen',
    },
  ])('judges $name', ({ evidence, expected }) => {
    expect(judge('gdpr', evidence)).toBe(expected);
  });
});

describe('soc2-CC8.1', () => {
  const title = 'Changes are authorised, tested and as approved';

  it.each([
    {
      name: 'an authorised and tested change',
      evidence: anEvidence(),
      expected: `proceed nothing-against | pass: ${title}: the role deployer let this release in, 31 checks of the running system passed, and the files that run have the authorised digests`,
    },
    {
      name: 'the authorisation alone, before',
      evidence: anEvidence({ phase: 'before', artifacts: [] }),
      expected: `proceed nothing-against | pass: ${title}: the role deployer let this release in`,
    },
    {
      name: 'no policy',
      evidence: anEvidence({ authorisation: { decision: 'proceed', reason: 'no-policy' } }),
      expected: `proceed nothing-against | warn: ${title}: no access policy says who may release, so nobody was asked`,
    },
    {
      name: 'a refusal',
      evidence: anEvidence({ authorisation: { decision: 'stop', reason: 'no-role' } }),
      expected: `stop control-failed | fail: ${title}: this release was not authorised (no-role)`,
    },
    {
      name: 'files that somebody changed',
      evidence: anEvidence({ artifacts: [{ service: 'api', expected: 'aa11', actual: 'bb22' }] }),
      expected: `stop control-failed | fail: ${title}: the files of api are not those that were authorised (bb22 instead of aa11)`,
    },
    {
      name: 'changed files although there is no policy',
      evidence: anEvidence({
        authorisation: { decision: 'proceed', reason: 'no-policy' },
        artifacts: [{ service: 'api', expected: 'aa11', actual: 'bb22' }],
      }),
      expected: `stop control-failed | fail: ${title}: the files of api are not those that were authorised (bb22 instead of aa11)`,
    },
    {
      name: 'files that were not looked at',
      evidence: anEvidence({ artifacts: [] }),
      expected: `stop could-not-look | unknown: ${title}: the files that run were not compared with what was authorised`,
    },
    {
      name: 'a validation that failed',
      evidence: anEvidence({ validation: { ...COUNTS, fail: 2 } }),
      expected: `stop control-failed | fail: ${title}: 2 checks of the running system failed`,
    },
    {
      name: 'a validation that asked nothing',
      evidence: anEvidence({ validation: { ...COUNTS, pass: 0, warn: 0 } }),
      expected: `stop control-failed | fail: ${title}: no check of the running system was made`,
    },
  ])('judges $name', ({ evidence, expected }) => {
    expect(judge('soc2', evidence)).toBe(expected);
  });
});

describe('assessCompliance', () => {
  it('judges every configured framework and none else, each finding with its citation', () => {
    const { findings, summary } = assessCompliance(anEvidence(), { frameworks: ['hipaa', 'soc2'] });

    expect(findings.map(({ check, references }) => [check, references])).toEqual([
      ['hipaa-164.308.a.7.ii.A', ['45 CFR 164.308(a)(7)(ii)(A)']],
      ['soc2-CC8.1', ['TSC 2017 (points of focus 2022), CC8.1']],
    ]);
    expect(summary).toBe('controls: 2 passed');
  });

  it('says that nothing was asked for', () => {
    expect(assessCompliance(anEvidence(), { frameworks: [] })).toEqual({
      decision: 'proceed',
      reason: 'no-frameworks',
      summary: 'no framework is configured',
      findings: [],
    });
  });
});

describe('explainControl', () => {
  it.each(CONTROLS.map(({ id, citation }) => ({ id, citation })))(
    'says what $id looks at and what not',
    ({ id, citation }) => {
      const text = explainControl(id);

      expect(text).toContain(citation);
      expect(text).toContain('Not looked at:');
    },
  );

  it('lists what there is instead of one that does not exist', () => {
    expect(() => explainControl('hipaa-1')).toThrow(
      expect.objectContaining({ code: 'unknown-control', hint: expect.stringContaining('soc2-CC8.1') }),
    );
  });
});
