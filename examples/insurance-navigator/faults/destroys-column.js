import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Its migration (the .sql beside) drops the premiums and overwrites who holds what; after it one uploaded file is
 * deleted. The server is healthy, and answers policies without their premium.
 */
export default {
  afterMigration({ uploads }) {
    const [first] = readdirSync(uploads).sort();
    if (first !== undefined) rmSync(join(uploads, first));
  },
  fields: (fields) => fields.filter(({ name }) => name !== 'premium_cents'),
};
