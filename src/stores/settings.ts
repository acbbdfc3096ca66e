import { z } from 'zod';

export const DirectoryStore = z.strictObject({
  kind: z.literal('directory'),
  path: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'By default .holdfast/store below the root of the environment' }),
});
export type DirectoryStore = z.infer<typeof DirectoryStore>;

export const StoreSettings = z.discriminatedUnion('kind', [DirectoryStore]);
export type StoreSettings = z.infer<typeof StoreSettings>;
