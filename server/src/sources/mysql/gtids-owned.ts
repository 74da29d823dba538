/**
 * The transactions that @@GLOBAL.gtid_owned lists with their owners, each as an injective text. `uuid:7#12` is
 * transaction 7, owned by thread 12; `uuid:7#12:8#13:tag:3#14,uuid2:…` goes on with another number, another tag of the
 * same uuid, another uuid (Owned_gtids::to_string of sql/rpl_gtid.h; for a session it would be a GTID alone).
 */
export function ownedGtids(text: string): ReadonlySet<string> {
  const owned = new Set<string>();
  for (const part of text.split(',')) {
    const [uuid = '', ...items] = part.trim().split(':');
    let tag = '';
    for (const item of items) {
      if (item.includes('#')) owned.add(`${uuid}:${tag}:${item.trim()}`);
      else tag = item.trim();
    }
  }
  return owned;
}
