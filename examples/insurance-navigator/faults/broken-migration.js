/** Its migration (the .sql beside) fails half-way. */
export default {};
