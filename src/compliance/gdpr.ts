import type { Control } from './control.ts';
import type { ComplianceEvidence } from './evidence.ts';

export const GDPR_CONTROLS: readonly Control[] = [
  {
    id: 'gdpr-32.1.b',
    framework: 'gdpr',
    citation: 'Regulation (EU) 2016/679, Article 32(1)(b)',
    title: 'Ongoing confidentiality of processing',
    coverage: 'partial',
    demand: 'Systems that process personal data keep it confidential, all the time.',
    looksAt:
      'The permission bits of what Holdfast itself keeps on the target: copies of state, settings with secrets, journal, capsules. None may be readable by other users of the machine. Not looked at: the files of the services, the databases, the network, who knows the password.',
    phases: ['before', 'after'],
    judge({ phase, modes }) {
      if (modes === undefined || modes.length === 0) {
        // Before the first release there is nothing of ours on the target, and the job that admits one cannot see it.
        return phase === 'before'
          ? { outcome: 'skipped', message: 'judged once there is something of Holdfast on the target that can be seen' }
          : { outcome: 'unknown', message: 'the files that Holdfast keeps on the target were not looked at' };
      }
      const open = exposedPaths(modes);
      const [first] = open;
      const measured = { entries: modes.length, readable: open.length };
      if (first === undefined) {
        const message = `none of ${modes.length} files and folders that Holdfast keeps on the target can be read by other users`;
        return { outcome: 'pass', message, measured };
      }
      const more = open.length > 1 ? ` and ${open.length - 1} more` : '';
      return {
        outcome: 'fail',
        message: `other users of the machine can read ${first.path} (mode ${first.mode.toString(8).padStart(4, '0')})${more}`,
        remedy: `Take the permission away from others: chmod o-rwx ${first.path}`,
        measured,
      };
    },
  },
];

const READ_BY_OTHERS = 0o004;
const ENTER_BY_OTHERS = 0o001;

/** What others can read: the entry lets them, and no folder above it that was looked at shuts them out. */
function exposedPaths(modes: NonNullable<ComplianceEvidence['modes']>): { path: string; mode: number }[] {
  const shut = modes.filter(({ mode }) => (mode & ENTER_BY_OTHERS) === 0).map(({ path }) => `${path}/`);
  return modes.filter(
    ({ path, mode }) => (mode & READ_BY_OTHERS) !== 0 && !shut.some((above) => path.startsWith(above)),
  );
}
