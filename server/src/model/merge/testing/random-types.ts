import fc from 'fast-check';
import type { LogicalType, PrimitiveType } from '../../logical-type.ts';

const decimal: fc.Arbitrary<PrimitiveType> = fc
  .integer({ min: 1, max: 38 })
  .chain((precision) =>
    fc
      .integer({ min: 0, max: precision })
      .map((scale): PrimitiveType => ({ kind: 'decimal', precision, scale })),
  );

/** Numbers oftener than others: two of those seldom have anything in common. */
const primitive: fc.Arbitrary<PrimitiveType> = fc.oneof(
  { weight: 4, arbitrary: decimal },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom('int', 'long', 'float', 'double')
      .map((kind): PrimitiveType => ({ kind: kind as 'int' })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('boolean', 'date', 'time', 'timestamp', 'timestamptz', 'string', 'uuid', 'binary')
      .map((kind): PrimitiveType => ({ kind: kind as 'date' })),
  },
);

export const anyType: fc.Arbitrary<LogicalType> = fc.oneof(
  { weight: 8, arbitrary: primitive },
  { weight: 1, arbitrary: primitive.map((element): LogicalType => ({ kind: 'list', element })) },
);
