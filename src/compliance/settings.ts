import { z } from 'zod';

export const Framework = z.enum(['hipaa', 'gdpr', 'soc2']);
export type Framework = z.infer<typeof Framework>;

export const ComplianceSettings = z.strictObject({
  frameworks: z.array(Framework).prefault([]).meta({ description: 'The rules that a release is held to' }),
});
export type ComplianceSettings = z.infer<typeof ComplianceSettings>;
