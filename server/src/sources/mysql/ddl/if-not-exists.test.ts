import { expect, it } from 'vitest';
import { leavesExisting } from './if-not-exists.ts';

it.each([
  ['CREATE TABLE IF NOT EXISTS t (id int)', true],
  ['create /* x */ table if\tnot -- y\n exists `t` like u', true],
  ['CREATE TABLE /*!50000 IF NOT EXISTS */ t (id int)', true],
  ['SET STATEMENT max_statement_time = 1 FOR CREATE TABLE IF NOT EXISTS t (id int)', true],
  ['CREATE TABLE t (id int)', false],
  ['CREATE /* if not exists */ TABLE t (id int)', false],
  ["CREATE TABLE t (a varchar(20) DEFAULT 'if not exists')", false],
  ["CREATE TABLE t (id int) COMMENT = 'create table if not exists'", false],
  ['CREATE TABLE `if not exists` (id int)', false],
  ['CREATE OR REPLACE TABLE t (id int)', false],
])('%s: %s', (sql, leaves) => {
  const dialect = { ansiQuotes: false, noBackslashEscapes: false, flavour: 'mariadb' } as const;
  expect(leavesExisting(sql, dialect)).toBe(leaves);
});
