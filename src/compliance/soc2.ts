import type { Control, Judgement } from './control.ts';
import type { ComplianceEvidence } from './evidence.ts';

export const SOC2_CONTROLS: readonly Control[] = [
  {
    id: 'soc2-CC8.1',
    framework: 'soc2',
    citation: 'TSC 2017 (points of focus 2022), CC8.1',
    title: 'Changes are authorised, tested and as approved',
    coverage: 'partial',
    demand: 'Changes to software are authorised, tested before they count as done, and what runs is what was approved.',
    looksAt:
      'That a role of the access policy let this release in, that its validation ran and nothing failed, and that the files which run have the digests of its capsule. Not looked at: reviews of the code, tests before the release, approval by a second person.',
    phases: ['before', 'after'],
    judge(evidence) {
      const authorised = judgeAuthorisation(evidence);
      if (evidence.phase === 'before' || authorised.outcome === 'fail') return authorised;
      for (const judgement of [judgeArtifacts(evidence), judgeValidation(evidence)]) {
        if (judgement.outcome !== 'pass') return judgement;
      }
      if (authorised.outcome !== 'pass') return authorised;
      const checked = evidence.validation?.pass ?? 0;
      return {
        outcome: 'pass',
        message: `${authorised.message}, ${checked} checks of the running system passed, and the files that run have the authorised digests`,
        measured: { checksPassed: checked, services: evidence.artifacts?.length ?? 0 },
      };
    },
  },
];

function judgeAuthorisation({ authorisation }: ComplianceEvidence): Judgement {
  const { decision, reason, role } = authorisation;
  if (decision === 'stop') {
    const message = `this release was not authorised (${reason})`;
    return { outcome: 'fail', message, remedy: 'Have somebody release who has the role deployer.' };
  }
  if (role === undefined) {
    const message = 'no access policy says who may release, so nobody was asked';
    return { outcome: 'warn', message, remedy: 'Name who may do what under access.roles.' };
  }
  return { outcome: 'pass', message: `the role ${role} let this release in` };
}

function judgeArtifacts({ artifacts }: ComplianceEvidence): Judgement {
  if (artifacts === undefined || artifacts.length === 0) {
    return { outcome: 'unknown', message: 'the files that run were not compared with what was authorised' };
  }
  const changed = artifacts.find(({ expected, actual }) => expected !== actual);
  if (changed === undefined) return { outcome: 'pass', message: 'the files that run are those that were authorised' };
  const { service, expected, actual } = changed;
  return {
    outcome: 'fail',
    severity: 'critical',
    message: `the files of ${service} are not those that were authorised (${shorten(actual)} instead of ${shorten(expected)})`,
    remedy: 'Find out who or what changed the folder of the release, then release again.',
  };
}

function judgeValidation({ validation }: ComplianceEvidence): Judgement {
  if (validation === undefined || validation.pass + validation.warn + validation.fail === 0) {
    return { outcome: 'fail', message: 'no check of the running system was made' };
  }
  if (validation.fail > 0) {
    return { outcome: 'fail', message: `${validation.fail} checks of the running system failed` };
  }
  return { outcome: 'pass', message: 'the checks of the running system passed' };
}

function shorten(digest: string): string {
  return digest === '' ? 'none' : digest.slice(0, 12);
}
