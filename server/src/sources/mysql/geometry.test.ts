import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLAVOURS, sharedMysql, type TestMysqlDatabase } from '../../../../tests/support/mysql.ts';
import { geometryText } from './geometry.ts';

/** As both servers print them but for spaces and the points of a multipoint. */
const TEXTS = [
  'POINT(1.5 -2)',
  'LINESTRING(0 0,0.1 1,2 2)',
  'POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))',
  'MULTIPOINT((1 1),(2 2))',
  'MULTILINESTRING((0 0,1 1),(2 2,3 3))',
  'MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((5 5,9 5,9 9,5 5)))',
  'GEOMETRYCOLLECTION(POINT(1 1),GEOMETRYCOLLECTION(LINESTRING(0 0,1 1)))',
  'GEOMETRYCOLLECTION EMPTY',
];

for (const flavour of FLAVOURS)
  describe(`geometries of ${flavour}`, () => {
    let db: TestMysqlDatabase;
    beforeAll(async () => {
      db = await sharedMysql(flavour).createDatabase();
    });
    afterAll(() => db[Symbol.asyncDispose]());

    /** MariaDB has another notation of multipoints, and no collection in a collection. */
    const texts = TEXTS.filter((text) => flavour === 'mysql' || !/COLLECTION.*COLLECTION|EMPTY/.test(text));
    const bytesOf = async (text: string): Promise<Buffer> => {
      const made = flavour === 'mariadb' ? text.replace('((1 1),(2 2))', '(1 1,2 2)') : text;
      const [row] = await db.query(`SELECT ST_GeomFromText('${made}')`);
      return row![0]!;
    };

    it('are the text that they were made of', async () => {
      for (const text of texts) {
        const value = await bytesOf(text);
        expect(geometryText(value, 0, value.length)).toBe(text);
      }
      const [[value]] = (await db.query("SELECT ST_GeomFromText('POINT(3 4)', 3857)")) as [[Buffer]];
      expect(geometryText(value, 0, value.length)).toBe('SRID=3857;POINT(3 4)');
    });

    it('that are cut off are refused', async () => {
      for (const text of texts) {
        const value = await bytesOf(text);
        for (let end = 0; end < value.length; end++)
          expect(() => geometryText(value, 0, end)).toThrow(/geometry/);
      }
    });
  });
