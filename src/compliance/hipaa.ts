import type { Control } from './control.ts';

export const HIPAA_CONTROLS: readonly Control[] = [
  {
    id: 'hipaa-164.308.a.7.ii.A',
    framework: 'hipaa',
    citation: '45 CFR 164.308(a)(7)(ii)(A)',
    title: 'Data backup plan',
    coverage: 'partial',
    demand:
      'Exact copies of electronic protected health information can be retrieved: they are made, and they come back.',
    looksAt:
      'The backup of this release: that it was taken, that its restore was tried before anything changed, and that every restored digest was equal. Not looked at: state that the configuration does not name, copies in another place, the written plan.',
    phases: ['before', 'after'],
    judge({ phase, hasState, backup, proof, withoutProof }) {
      if (!hasState) {
        return {
          outcome: 'skipped',
          message: 'no state is configured, so there was nothing to back up',
        };
      }
      const remedy = 'Release again with a backup whose restore is proven.';
      if (withoutProof !== undefined) {
        const message =
          phase === 'before'
            ? `this release would go on without a proof that its backup restores (reason given: ${withoutProof})`
            : `this release went on without a proof that its backup restores (reason given: ${withoutProof})`;
        return { outcome: 'fail', severity: 'critical', message, remedy };
      }
      if (phase === 'before') {
        return { outcome: 'skipped', message: 'judged once the backup of this release has been taken and restored' };
      }
      if (backup === undefined) {
        return {
          outcome: 'fail',
          severity: 'critical',
          message: 'this release has state and took no backup of it',
          remedy,
        };
      }
      if (proof === undefined || !proof.verified || proof.backup !== backup.id) {
        const message = `the backup ${backup.id} was taken, but nothing proves that it restores`;
        return { outcome: 'fail', severity: 'critical', message, remedy };
      }
      return {
        outcome: 'pass',
        message: `the backup ${backup.id} of this release was restored into scratch and every digest was equal`,
        measured: { restoreMs: proof.restoreMs },
      };
    },
  },
];
