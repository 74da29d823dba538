import { useState } from 'react';
import { currentToken } from '../api/session.ts';
import { Copyable } from '../design/button.tsx';
import { PageHead } from '../shell/page-head.tsx';

interface Engine {
  readonly name: string;
  /** Whether it was tried with this version; docs/targets/lakehouse.md says how. */
  readonly tried: string;
  readonly text: string;
}

const engines = (uri: string, token: string): readonly Engine[] => [
  {
    name: 'PyIceberg',
    tried: 'Tried with PyIceberg 0.12',
    text: `from pyiceberg.catalog import load_catalog

catalog = load_catalog("sluice", type="rest", uri="${uri}", token="${token}")
catalog.load_table("public.orders").scan().to_arrow()`,
  },
  {
    name: 'DuckDB',
    tried: 'Not tried; wants its extension iceberg',
    text: `INSTALL iceberg; LOAD iceberg;
CREATE SECRET sluice (TYPE iceberg, TOKEN '${token}');
ATTACH 'sluice' AS lake (TYPE iceberg, SECRET sluice, ENDPOINT '${uri}');
SELECT count(*) FROM lake.public.orders;`,
  },
  {
    name: 'Spark',
    tried: 'Not tried',
    text: `spark.sql.catalog.sluice        org.apache.iceberg.spark.SparkCatalog
spark.sql.catalog.sluice.type   rest
spark.sql.catalog.sluice.uri    ${uri}
spark.sql.catalog.sluice.token  ${token}`,
  },
  {
    name: 'Trino',
    tried: 'Not tried; needs a file system that reads file: locations',
    text: `connector.name=iceberg
iceberg.catalog.type=rest
iceberg.rest-catalog.uri=${uri}
iceberg.rest-catalog.security=OAUTH2
iceberg.rest-catalog.oauth2.token=${token}`,
  },
];

/** How other engines read the warehouse, ready to copy. */
export function ConnectPage() {
  const uri = `${location.origin}/iceberg`;
  const [shown, setShown] = useState(false);
  const token = shown ? (currentToken() ?? '') : '<token>';
  return (
    <>
      <PageHead
        title="Connect an engine"
        about="The warehouse speaks the Iceberg REST catalog protocol; the token is the one that you signed in with"
      >
        <label className="row">
          <input type="checkbox" checked={shown} onChange={(event) => setShown(event.target.checked)} />
          With the token in it
        </label>
      </PageHead>
      <div className="stack">
        <h2>Address of the catalog</h2>
        <Copyable text={uri} label="the address" />
      </div>
      {engines(uri, token).map(({ name, tried, text }) => (
        <section key={name} className="stack">
          <div className="row">
            <h2>{name}</h2>
            <span className="muted small">{tried}</span>
          </div>
          <Copyable text={text} label={`how ${name} connects`} />
        </section>
      ))}
      <p className="muted">
        The data files lie in the warehouse folder of this server: an engine on another machine needs that
        folder under the same path. A table that a task mirrors has one writer, the task.
      </p>
    </>
  );
}
