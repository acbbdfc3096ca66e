/**
 * A good release has no fault. `build.js --fault NAME` puts one of the files in `faults/` here; it may define
 * `atStart()`, `afterMigration(settings)`, `permissions(table)`, `fields(fields)` and `routes(routes)`.
 */
export default {};
