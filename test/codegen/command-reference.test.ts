import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { renderCommandReference } from '../../src/codegen/command-reference.ts';
import { anAction } from '../hosts/actions.ts';

describe('the command reference', () => {
  it('lists each action under its group with usage, examples, inputs and reasons', () => {
    const reference = renderCommandReference([
      anAction({
        name: 'rollback',
        summary: 'Brings the last good release back',
        group: 'Release',
        examples: ['rollback --data keep'],
        reasons: ['rolled-back', 'unsafe'],
        inputs: z.strictObject({
          to: z.string().optional().meta({ description: 'a release', placeholder: 'RELEASE' }),
          data: z.enum(['restore', 'keep']).prefault('restore').meta({ description: 'restore | keep' }),
        }),
      }),
      anAction({
        name: 'show',
        positional: ['release'],
        inputs: z.strictObject({ release: z.string().meta({ description: 'which one' }) }),
      }),
    ]);

    expect(reference).toMatchSnapshot();
  });

  it('leaves out groups without an action and says what a short name stands for', () => {
    const reference = renderCommandReference([
      anAction({ name: 'backup create', alsoCalled: 'backup', group: 'State' }),
    ]);

    expect(reference).toContain('`holdfast backup` alone is this command.');
    expect(reference).not.toContain('## Release');
  });
});
